"""`/staff/people`: who works for my agencies in which role, and until when."""

from __future__ import annotations

from datetime import UTC, datetime

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import Visitor, visitor
from ckanext.kzopen.core.people import reads
from ckanext.kzopen.core.people.assignments.listing import members
from ckanext.kzopen.core.people.roles import known
from flask import request

SEE = "people.see"
LONGEST = 200
TITLE = {"kk": "Қызметкерлер", "ru": "Сотрудники", "en": "People"}

blueprint = pages("kzopen_people")
register(Desk("people", TITLE, "/staff/people", SEE, order=70))


@blueprint.get("/people")
def index() -> Page:
    """The people of my agencies; who sees all agencies names one."""
    who = visitor()
    who.require(SEE)
    named, part = request.args.get("agency", "").strip(), request.args.get("q", "").strip()[:LONGEST]
    agencies = _agencies(who, named)
    found = members(model.Session, agencies, datetime.now(UTC), part) if agencies else []
    reads.note(("name", "roles"), [person.id for person in found], agencies=agencies)
    told = {"people": found, "roles": known().roles, "agency": named, "q": part, "all_agencies": who.scope(SEE) is None}
    return tk.render("desk/people.html", {**told, "asked": bool(agencies)})


def _agencies(who: Visitor, named: str) -> frozenset[str]:
    """The agencies whose people are listed: that of the address, by id or name, else all of mine."""
    scope = who.scope(SEE)
    group = model.Group.get(named) if named else None
    if group is not None and group.is_organization:
        who.require(SEE, group.id)
        return frozenset({group.id})
    return scope or frozenset()

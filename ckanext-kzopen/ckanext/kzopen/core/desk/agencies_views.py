"""`/staff/agencies`: the agencies that I look after, and of each what it is, was called and is to become."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.kinds import KIND_NAMES
from ckanext.kzopen.core.agencies.model import Agency, today
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.reorganisation import checks, searching, showing
from flask import request

SEE, CHANGE, CREATE, LIQUIDATE = "agencies.see", "agencies.change", "agencies.create", "agencies.liquidate"
EVERYWHERE = ""
"""The tree concerns more than one agency: who changes it has the right for all."""
TITLE = {"kk": "Мемлекеттік органдар", "ru": "Государственные органы", "en": "Agencies"}
LONGEST = 200
SHOWN = 100

blueprint = pages("kzopen_staff_agencies")
register(Desk("agencies", TITLE, "/staff/agencies", SEE, order=70))


@blueprint.get("/agencies")
def index() -> Page:
    """My agencies with those below them; with `q` those that are found by it."""
    who = visitor()
    who.require(SEE)
    query = " ".join(request.args.get("q", "").split())[:LONGEST]
    found = _mine(query)
    told = {"agencies": found[:SHOWN], "total": len(found), "q": query, "kinds": KIND_NAMES}
    return tk.render("desk/agencies.html", told)


def _mine(query: str) -> list[dict[str, Any]]:
    scope = visitor().scope(SEE)
    fitting = searching.matching(model.Session, query) if query else None
    rows = showing.listed(model.Session)
    return [row for row in rows if (scope is None or row["id"] in scope) and (fitting is None or row["id"] in fitting)]


@blueprint.get("/agencies/<agency>")
def show(agency: str) -> Page:
    """One agency: names, places and the end, each with its dates, and what I may do."""
    row = mine(agency, SEE)
    told = showing.whole(model.Session, row)
    day = today().isoformat()
    places = showing.places(model.Session, row.id)
    below = [each for each in showing.listed(model.Session, row.id) if each["depth"] == 1]
    shown = {
        "agency": told,
        "kind_name": KIND_NAMES[row.kind],
        "places": places,
        "below": below,
        "today": day,
        "coming_names": [name for name in told["names"] if (name["since"] or "") > day],
        "coming_places": [place for place in places if (place["since"] or "") > day],
    }
    return tk.render("desk/agency/show.html", shown | may(row))


def may(row: Agency) -> dict[str, bool]:
    """What I may do to the agency; nothing is done to a liquidated one."""
    who, alive = visitor(), row.state == "active"
    return {
        "may_change": alive and who.may(CHANGE, row.id),
        "may_create": alive and who.may(CREATE, EVERYWHERE),
        "may_reorganise": alive and who.may(LIQUIDATE, EVERYWHERE),
    }


def mine(reference: str, right: str) -> Agency:
    """The agency of that id, address or BIN, for which I hold the right; KzError otherwise."""
    row = checks.known(model.Session, reference)
    visitor().require(right, row.id)
    return row

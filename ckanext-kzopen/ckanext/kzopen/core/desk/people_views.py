"""`/staff/people`: who works for my agencies in which role, and until when; who assigns roles there ends them here."""

from __future__ import annotations

from datetime import UTC, datetime

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import ENTER, Visitor, visitor
from ckanext.kzopen.core.people import ending, reads
from ckanext.kzopen.core.people.assignments.listing import Member, members, members_of_the_portal
from ckanext.kzopen.core.people.assignments.reading import Assignment, own
from ckanext.kzopen.core.people.roles import known
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import request

SEE, ASSIGN = "people.see", "people.assign"
LONGEST = 200
TITLE = {"kk": "Қызметкерлер", "ru": "Сотрудники", "en": "People"}

blueprint = pages("kzopen_people")
register(Desk("people", TITLE, "/staff/people", SEE, order=70))


@blueprint.get("/people")
def index() -> Page:
    """The people of my agencies; who sees all agencies names one, or looks at the roles of the whole portal."""
    who = visitor()
    who.require(SEE)
    named, part = request.args.get("agency", "").strip(), request.args.get("q", "").strip()[:LONGEST]
    agencies = _agencies(who, named)
    found = _found(agencies, part)
    reads.note(("name", "roles"), [person.id for person in found], agencies=agencies)
    told = {"people": found, "roles": known().roles, "agency": named, "q": part, "all_agencies": who.scope(SEE) is None}
    return tk.render("desk/people.html", told)


@blueprint.route("/people/end-role", methods=["GET", "POST"])
def end_role() -> Page:
    """What ends with a role of a person, and the form that asks for the reason; `person`, `role`, `agency` are arguments."""
    who, agency = visitor(), request.args.get("agency") or None
    who.require(ASSIGN, agency or "")
    person, one = _held(request.args.get("person", ""), request.args.get("role", ""), agency)
    error: KzError | None = None
    if request.method == "POST":
        try:
            reason = request.form.get("reason", "")
            left = ending.end_role(model.Session, person.id, one.role, agency, who.id, reason, request.remote_addr)
            model.Session.commit()
            tk.h.flash_success(tk._("The role has ended."))
            if left:
                tk.h.flash_notice(tk._("The agency has no administrator now."))
            return _back(who, agency)
        except KzError as refused:
            model.Session.rollback()
            error = refused
    reads.note(("name", "roles"), [person.id], agencies=() if agency is None else (agency,))
    last = ending.leaves_no_administrator(model.Session, person.id, one.role, agency)
    kept = KzError("roles.last_administrator").text(request_language()) if last and not ending.may_leave_none(who.id) else ""
    told = {"person": person, "one": one, "role": known().roles[one.role], "values": request.form}
    return tk.render("desk/end_role.html", {**told, "errors": _told(error), "last": last, "kept": kept})


def _agencies(who: Visitor, named: str) -> frozenset[str] | None:
    """The agencies whose people are listed: that of the address, by id or name, else all of mine; None = no single one."""
    group = model.Group.get(named) if named else None
    if group is not None and group.is_organization:
        who.require(SEE, group.id)
        return frozenset({group.id})
    return frozenset() if named and who.scope(SEE) is None else who.scope(SEE)


def _found(agencies: frozenset[str] | None, part: str) -> list[Member]:
    now = datetime.now(UTC)
    if agencies is None:
        return members_of_the_portal(model.Session, now, part)
    return members(model.Session, agencies, now, part) if agencies else []


def _held(account: str, role: str, agency: str | None) -> tuple[model.User, Assignment]:
    """A person with the role that they hold now; KzError web.not_found."""
    person = model.User.get(account) if account else None
    found = own(model.Session, [person.id], datetime.now(UTC)) if person is not None else []
    for one in found:
        if (one.role, one.agency) == (role, agency):
            return person, one
    raise KzError("web.not_found")


def _told(error: KzError | None) -> dict[str, str]:
    """What is wrong by field; "" is what concerns the whole form."""
    if error is None:
        return {}
    return {"reason" if error.code == "roles.reason_wanted" else "": error.text(request_language())}


def _back(who: Visitor, agency: str | None) -> Page:
    """To the list; who has ended their own last role is not let in any more."""
    if not who.may(SEE):
        return tk.redirect_to("kzopen_desk.index") if who.may(ENTER) else tk.redirect_to("home.index")
    return tk.redirect_to("kzopen_people.index", **({"agency": agency} if agency and who.scope(SEE) is None else {}))

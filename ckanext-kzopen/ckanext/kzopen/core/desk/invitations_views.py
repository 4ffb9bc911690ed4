"""`/staff/invitations`: invite somebody to work in an agency, see who has not answered, take an invitation back."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.names import names_of
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.people import invitations, reads, rights, roles
from ckanext.kzopen.core.people.agency_index import AgencyIndex
from ckanext.kzopen.core.people.invitations import Invitation, Invited
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import request

TITLE = {"kk": "Шақырулар", "ru": "Приглашения", "en": "Invitations"}
RIGHT = "people.invite"
FEW = 100
"""So many agencies are offered as a list to choose from; of more one writes the BIN or the name."""

blueprint = pages("kzopen_staff_invitations")
register(Desk("invitations", TITLE, "/staff/invitations", RIGHT, order=85))


@blueprint.route("/invitations", methods=["GET", "POST"])
def index() -> Page:
    """The form, and the invitations that wait for an answer."""
    me = visitor()
    me.require(RIGHT)
    errors: dict[str, KzError] = {}
    if request.method == "POST":
        errors = _invited(me.id)
        if not errors:
            tk.h.flash_success(tk._("The invitation is sent."))
            return tk.redirect_to("kzopen_staff_invitations.index")
    agencies = rights.agencies_with(me.id, RIGHT)
    offered = names_of(model.Session, agencies) if agencies is not None and len(agencies) <= FEW else {}
    waiting = invitations.waiting(model.Session, me.scope(RIGHT))
    reads.note(("email", "name"), without_account=len(waiting), agencies={row.agency for row in waiting if row.agency})
    return tk.render(
        "people_staff/invitations.html",
        {
            "values": request.form,
            "errors": {name: error.text(request_language()) for name, error in errors.items()},
            "agencies": sorted(offered.items(), key=lambda row: str(row[1])),
            "roles": roles.known().roles,
            "offered": _roles_offered(me.id),
            "languages": LANGUAGES,
            "waiting": waiting,
        },
    )


@blueprint.post("/invitations/<int:number>/withdraw")
def withdraw(number: int) -> Page:
    """Take an invitation back."""
    row = model.Session.get(Invitation, number)
    if row is None:
        raise KzError("web.not_found")
    invitations.withdraw(model.Session, row, visitor().id, request.remote_addr)
    model.Session.commit()
    return tk.redirect_to("kzopen_staff_invitations.index")


def _roles_offered(me: str) -> list[str]:
    everywhere = rights.agencies_with(me, "people.assign") is None
    return [name for name, role in roles.known().roles.items() if role.agency or everywhere]


def _invited(me: str) -> dict[str, KzError]:
    """Invite and commit; what is wrong by field."""
    given = {name: request.form.get(name, "").strip() for name in ("name", "email", "language", "role", "agency")}
    wanted = ("name", "email", "language", "role")
    errors = {name: KzError("roles.required") for name in wanted if not given[name]}
    agency = AgencyIndex.load(model.Session).find(given["agency"]) if given["agency"] else None
    if given["agency"] and agency is None:
        errors["agency"] = KzError("roles.unknown_agency", agency=given["agency"])
    if errors:
        return errors
    told = Invited(given["name"], given["email"], given["language"], given["role"], agency)
    try:
        invitations.invite(model.Session, told, me, request.remote_addr)
        model.Session.commit()
    except KzError as error:
        model.Session.rollback()
        return {_FIELDS.get(error.code, ""): error}
    return {}


_FIELDS = {
    "mail.bad_address": "email",
    "roles.name_wanted": "name",
    "roles.needs_agency": "agency",
    "roles.takes_no_agency": "agency",
    "roles.unknown_role": "role",
}

"""`/staff/substitution`: who acts for me while I am away, and for whom I act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.people import reads, rights, roles, substitution
from ckanext.kzopen.core.people.assignments.model import Delegation
from ckanext.kzopen.core.people.assignments.reading import own
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import request
from sqlalchemy import func, select

TITLE = {"kk": "Алмастыру", "ru": "Замещение", "en": "Substitution"}
FIELDS = ("role", "substitute", "first", "last")
Errors = dict[str, KzError]

blueprint = pages("kzopen_staff_substitution")
register(Desk("substitution", TITLE, "/staff/substitution", order=90))


@blueprint.route("/substitution", methods=["GET", "POST"])
def index() -> Page:
    """The form, and what is arranged already."""
    me, errors = visitor().id, Errors()
    if request.method == "POST":
        errors = _arranged(me, request.form)
        if not errors:
            tk.h.flash_success(tk._("The substitution is arranged."))
            return tk.redirect_to("kzopen_staff_substitution.index")
    arranged = substitution.of_person(model.Session, me)
    reads.note(("absence", "name"), {person for row in arranged for person in (row.absent, row.substitute)})
    return tk.render(
        "people_staff/substitution.html",
        {
            "values": request.form,
            "errors": {name: error.text(request_language()) for name, error in errors.items()},
            "mine": _delegable(me),
            "arranged": arranged,
            "roles": roles.known().roles,
            "me": me,
            "name_of": _name_of,
            "outsiders": _outsiders({row.substitute for row in arranged}),
        },
    )


@blueprint.post("/substitution/<int:number>/end")
def end(number: int) -> Page:
    """End a substitution before its last day."""
    row = model.Session.get(Delegation, number)
    if row is None:
        raise KzError("web.not_found")
    substitution.revoke(model.Session, row, visitor().id, request.remote_addr)
    model.Session.commit()
    return tk.redirect_to("kzopen_staff_substitution.index")


def _delegable(me: str) -> list[tuple[str, rights.Assignment]]:
    """My own roles that can be handed over, by the value of the form's choice."""
    known = roles.known().roles
    found = (one for one in rights.roles_of(me) if one.for_whom is None and known[one.role].delegable)
    return [(f"{one.role}|{one.agency or ''}", one) for one in found]


def _arranged(me: str, values: Mapping[str, str]) -> Errors:
    """Arrange it and commit; what is wrong by field."""
    errors: Errors = {name: KzError("roles.required") for name in FIELDS if not values.get(name, "").strip()}
    first, last = _day(values, "first", errors), _day(values, "last", errors)
    substitute = _by_email(values.get("substitute", ""))
    if "substitute" not in errors and substitute is None:
        errors["substitute"] = KzError("roles.not_of_the_staff", person=values["substitute"])
    if errors or substitute is None:
        return errors
    role, _, agency = values["role"].partition("|")
    try:
        substitution.delegate(
            model.Session, me, substitute, role, agency or None, first, last, by=me, address=request.remote_addr
        )
        model.Session.commit()
    except KzError as error:
        model.Session.rollback()
        return {"": error}
    return {}


def _day(values: Mapping[str, str], name: str, errors: Errors) -> date:
    try:
        return date.fromisoformat(values.get(name, ""))
    except ValueError:
        errors.setdefault(name, KzError("roles.no_day"))
        return date.min


def _by_email(email: str) -> str | None:
    """Somebody of the staff; who has only an account is not told from who has none."""
    query = select(model.User.id).where(func.lower(model.User.email) == email.strip().lower(), model.User.state == "active")
    found = model.Session.scalars(query).first()
    return None if found is None or _outsiders({found}) else found


def _outsiders(people: set[str]) -> set[str]:
    """Those who hold no role: they act for nobody."""
    return people - {one.person for one in own(model.Session, people, datetime.now(UTC))}


def _name_of(person: str) -> str:
    found = model.User.get(person)
    return (found.fullname or found.name) if found else "–"

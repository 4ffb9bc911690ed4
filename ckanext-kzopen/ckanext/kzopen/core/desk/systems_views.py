"""`/staff/systems`: the information systems of my agencies, and their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk.access import Page, pages
from ckanext.kzopen.core.desk.registry import Desk, register
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.people.systems import described, keeping
from ckanext.kzopen.core.people.systems.model import System, systems_of, tokens_of
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import request
from sqlalchemy import select

SEE, MANAGE = "systems.see", "systems.manage"
TITLE = {"kk": "Ақпараттық жүйелер", "ru": "Информационные системы", "en": "Information systems"}

blueprint = pages("kzopen_systems")
register(Desk("systems", TITLE, "/staff/systems", SEE, order=80))


@blueprint.get("/systems")
def index() -> Page:
    """The systems of my agencies."""
    who = visitor()
    who.require(SEE)
    found = systems_of(model.Session, who.scope(SEE))
    return tk.render("desk/systems.html", {"systems": found, "may_register": who.may(MANAGE)})


@blueprint.route("/systems/new", methods=["GET", "POST"])
def new() -> Page:
    """Register a system of an agency that I manage."""
    who = visitor()
    who.require(MANAGE)
    choice = _choice()
    own = who.chosen or (choice[0].id if len(choice) == 1 else "")
    agency = _agency(request.values.get("agency", own))
    if agency:
        who.require(MANAGE, agency)
    return _form(None, agency)


@blueprint.route("/systems/<uuid:number>/edit", methods=["GET", "POST"])
def edit(number: UUID) -> Page:
    """Describe a system anew."""
    system = mine(number, MANAGE)
    return _form(system, system.agency_id)


def _form(system: System | None, agency: str) -> Page:
    packages = _packages(agency)
    values: Mapping[str, str] = request.form
    chosen = request.form.getlist("dataset")
    errors: described.Errors = {}
    if request.method == "POST" and "choose" not in request.form:
        told, errors = described.described(request.form, chosen, frozenset(package.id for package in packages))
        if not agency:
            errors["agency"] = KzError("systems.required")
        elif told is not None:
            return _saved(system, agency, told)
    elif system is not None and request.method == "GET":
        fields = ("name", "bin", "contact", "email")
        values = {name: getattr(system, name) for name in fields} | {"datasets": "some" if system.datasets else "all"}
        chosen = system.datasets or []
    shown = {"system": system, "agency": agency, "agencies": _choice(), "packages": packages, "chosen": chosen}
    return tk.render("desk/system_form.html", {**shown, "values": values, "errors": in_words(errors)})


def _saved(system: System | None, agency: str, told: described.Described) -> Page:
    session, me = model.Session(), visitor().id
    if system is None:
        system = keeping.register(session, agency, told, me)
    else:
        keeping.change(session, system, told, me)
    session.commit()
    tk.h.flash_success(tk._("The information system has been saved."))
    return tk.redirect_to("kzopen_systems.show", number=system.id)


@blueprint.get("/systems/<uuid:number>")
def show(number: UUID) -> Page:
    """A system with its tokens."""
    system = mine(number, SEE)
    now = datetime.now(UTC)
    named = {package.id: package for package in _packages(system.agency_id)}
    told = {
        "system": system,
        "tokens": [(token, token.state(now)) for token in tokens_of(model.Session, system)],
        "packages": [named[package] for package in system.datasets or [] if package in named],
        "may_manage": system.closed is None and visitor().may(MANAGE, system.agency_id),
    }
    return tk.render("desk/system.html", told)


@blueprint.post("/systems/<uuid:number>/close")
def close(number: UUID) -> Page:
    """End a system and all its tokens."""
    system = mine(number, MANAGE)
    keeping.close(model.Session, system, visitor().id)
    model.Session.commit()
    tk.h.flash_success(tk._("The information system has been closed and its tokens revoked."))
    return tk.redirect_to("kzopen_systems.show", number=number)


def mine(number: UUID, right: str) -> System:
    """The system of that number, for whose agency I hold the right; KzError otherwise."""
    found = model.Session.get(System, number)
    if found is None:
        raise KzError("systems.unknown")
    visitor().require(right, found.agency_id)
    return found


def _packages(agency: str) -> list[Any]:
    """The data sets of an agency, by title."""
    wanted = select(model.Package).where(model.Package.owner_org == agency, model.Package.state == model.State.ACTIVE)
    return list(model.Session.scalars(wanted.where(model.Package.type == "dataset").order_by(model.Package.title)))


def _agency(given: str) -> str:
    """The id of an agency by its id or its name in addresses; "" where there is none."""
    found = model.Group.get(given) if given else None
    return str(found.id) if found and found.is_organization and found.state == model.State.ACTIVE else ""


def _choice() -> list[Any]:
    """My agencies whose systems I may manage."""
    who = visitor()
    return [agency for agency in who.agencies if who.may(MANAGE, agency.id)]


def in_words(errors: described.Errors) -> dict[str, str]:
    """What is wrong by field, in the reader's language."""
    return {field: error.text(request_language()) for field, error in errors.items()}

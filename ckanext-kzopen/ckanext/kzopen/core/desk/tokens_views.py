"""`/staff/systems/…/tokens`: a token issued, replaced by a new one, revoked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk.access import Page
from ckanext.kzopen.core.desk.systems_views import MANAGE, blueprint, in_words, mine
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.people.systems import described, tokens
from ckanext.kzopen.core.people.systems.model import EVERYTHING, System, Token
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from flask import request

OVERLAPS = (0, 1, 24, 72, 168)
"""Hours for which a replaced token may stay valid."""
USUAL_OVERLAP = 24
USUAL_LIFE = timedelta(days=365)
Make = Callable[[tokens.Wish], tuple[Token, str]]


@blueprint.route("/systems/<uuid:number>/tokens/new", methods=["GET", "POST"])
def issue(number: UUID) -> Page:
    """Issue a token; the page that answers shows it this one time."""
    system = mine(number, MANAGE)
    return _token_page(system, None, lambda wish: tokens.issue(model.Session, system, wish, visitor().id))


@blueprint.route("/systems/<uuid:number>/tokens/<uuid:token>/rotate", methods=["GET", "POST"])
def rotate(number: UUID, token: UUID) -> Page:
    """Put a new token in the place of one that stays valid for some hours more."""
    system, old = _token(number, token)
    hours = request.form.get("hours", USUAL_OVERLAP, int)
    overlap = timedelta(hours=hours if hours in OVERLAPS else USUAL_OVERLAP)
    return _token_page(system, old, lambda wish: tokens.rotate(model.Session, system, old, wish, overlap, visitor().id))


@blueprint.post("/systems/<uuid:number>/tokens/<uuid:token>/revoke")
def revoke(number: UUID, token: UUID) -> Page:
    """End a token at once."""
    system, old = _token(number, token)
    tokens.revoke(model.Session, system, old, visitor().id)
    model.Session.commit()
    tk.h.flash_success(tk._("The token has been revoked; it is not accepted any more."))
    return tk.redirect_to("kzopen_systems.show", number=number)


def _token_page(system: System, old: Token | None, make: Make) -> Page:
    if request.method == "GET":
        return _form(system, old, _usual(old), old.may if old else EVERYTHING, {})
    chosen = request.form.getlist("may")
    wish, errors = described.wished(request.form, chosen, datetime.now(ASTANA).date())
    if wish is None:
        return _form(system, old, request.form, chosen, errors)
    try:
        token, secret = make(wish)
    except KzError as refused:
        model.Session.rollback()
        return _form(system, old, request.form, chosen, {"": refused})
    model.Session.commit()
    return tk.render("desk/token.html", {"system": system, "old": old, "token": token, "secret": secret})


def _form(system: System, old: Token | None, values: Any, chosen: Collection[str], errors: described.Errors) -> Page:
    shown = {"system": system, "old": old, "values": values, "chosen": chosen, "errors": in_words(errors)}
    hours = request.form.get("hours", USUAL_OVERLAP, int)
    return tk.render("desk/token_form.html", {**shown, "key": uuid4().hex, "overlaps": OVERLAPS, "hours": hours})


def _usual(old: Token | None) -> dict[str, str]:
    """What the form proposes: a year, and the networks of the token that is replaced."""
    last = (datetime.now(ASTANA) + USUAL_LIFE).date()
    return {"expires": last.isoformat(), "addresses": "\n".join(old.addresses) if old else ""}


def _token(number: UUID, token: UUID) -> tuple[System, Token]:
    system = mine(number, MANAGE)
    found = model.Session.get(Token, token)
    if found is None or found.system_id != system.id:
        raise KzError("systems.unknown_token")
    return system, found

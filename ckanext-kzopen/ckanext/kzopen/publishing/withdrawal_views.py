"""The staff's pages of withdrawal: what would be taken out from where, why, and the step that does it."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk import Desk, register
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.core.withdrawal import Order, Thing, places
from ckanext.kzopen.core.withdrawal.carry_out import carry_out, require_right
from ckanext.kzopen.core.withdrawal.order import cleaned_reason
from ckanext.kzopen.core.withdrawal.places import holding
from ckanext.kzopen.publishing import datasets, hiding
from ckanext.kzopen.publishing.desk import Page, blueprint, me, mine, show
from ckanext.kzopen.publishing.withdrawal_api import thing_of
from ckanext.kzopen.rows import model as versions
from flask import request

TITLE = {"kk": "Алып тастау", "ru": "Изъятия", "en": "Withdrawals"}
register(Desk("withdrawals", TITLE, "/staff/withdrawals", "withdrawal.see"))


@blueprint.route("/datasets/<uri>/withdraw", methods=["GET", "POST"])
def withdraw_dataset(uri: str) -> Page:
    """Withdraw the whole data set."""
    return _page(uri, "dataset", uri)


@blueprint.route("/datasets/<uri>/versions/<int:number>/withdraw", methods=["GET", "POST"])
def withdraw_version(uri: str, number: int) -> Page:
    """Withdraw one version of the table."""
    return _page(uri, "version", f"{uri}/{number}")


@blueprint.route("/datasets/<uri>/resources/<resource_id>/withdraw", methods=["GET", "POST"])
def withdraw_resource(uri: str, resource_id: str) -> Page:
    """Withdraw one file."""
    return _page(uri, "resource", resource_id)


@blueprint.post("/datasets/<uri>/public")
def set_public(uri: str) -> Page:
    """Close the data set for the public for a time, or open it again."""
    passport, public = mine(uri), request.form.get("public") == "yes"
    try:
        hiding.set_public(model.Session(), me(), passport, public, request.form.get("reason", ""), request.remote_addr)
    except KzError as objection:
        if objection.code != "publishing.reason_missing":
            raise
        tk.h.flash_error(objection.text(request_language()))
    else:
        tk.h.flash_success(tk._("Everybody sees the data set again.") if public else tk._("The data set is no longer public."))
    return tk.h.redirect_to("kzopen_staff.dataset", uri=uri)


def _page(uri: str, kind: str, reference: str) -> Page:
    """The form; sent with a reason and the tick that confirms it, the withdrawal is done."""
    passport = datasets.known_passport(model.Session(), uri)
    package = datasets.visible_package(passport, me())
    require_right(me(), package["owner_org"])
    thing = thing_of(passport.package_id, kind, reference)
    values, errors = dict(request.form), dict[str, str]()
    if request.method == "POST":
        errors = _wrong(values)
        if not errors:
            return _done(thing, values)
    held = {place.name for place in holding(model.Session(), thing)}
    return show(
        "withdraw",
        uri=uri,
        package=package,
        thing=thing,
        values=values,
        errors=errors,
        places=[place for place in places() if place.name in held],
        others=[one.number for one in versions.all_of(model.Session(), uri) if one.number != thing.parts.get("number")],
    )


def _wrong(values: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the form, by field."""
    wrong = {}
    try:
        cleaned_reason(_reason(values))
    except KzError as error:
        wrong["reason.kk"] = error.text(request_language())
    if not values.get("confirm"):
        wrong["confirm"] = KzError("withdrawal.not_confirmed").text(request_language())
    return wrong


def _reason(values: dict[str, Any]) -> dict[str, str]:
    return {language: values.get(f"reason.{language}", "") for language in ("kk", "ru", "en")}


def _done(thing: Thing, values: dict[str, Any]) -> Page:
    actor = datasets.user_id(me())
    given = Order(_reason(values), actor, values.get("law"), bool(values.get("keep_title")), request.remote_addr)
    row = carry_out(model.Session(), thing, given)
    return tk.h.redirect_to("kzopen_withdrawal.show", number=row.id)

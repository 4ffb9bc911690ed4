"""What staff do to an agency: rename, move, add one below, end it; and take back what is still to come.

Each form calls the action of the same name, which asks the right again; what was typed comes back with what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.kinds import KIND_NAMES
from ckanext.kzopen.core.agencies.model import Agency, today
from ckanext.kzopen.core.desk import agency_fields
from ckanext.kzopen.core.desk.access import Page, me
from ckanext.kzopen.core.desk.agencies_views import CHANGE, CREATE, EVERYWHERE, LIQUIDATE, blueprint, mine
from ckanext.kzopen.core.desk.visitor import visitor
from ckanext.kzopen.core.reorganisation import acts, showing
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import request

Values = dict[str, Any]


@dataclass
class Form:
    """One form about one agency: what was typed, and what is wrong by field."""

    template: str
    row: Agency
    values: Mapping[str, str]
    more: Values = field(default_factory=dict)

    def page(self, error: KzError | None = None) -> Page:
        errors = {agency_fields.field_of(error.code): error.text(request_language())} if error else {}
        told = showing.whole(model.Session, self.row)
        shown = {"agency": told, "values": self.values, "errors": errors, "kinds": KIND_NAMES, **self.more}
        return tk.render(self.template, shown)

    def carried_out(self, action: str, values: Values, done: str) -> Page:
        """Do it and show the agency; a refusal brings the form back."""
        try:
            found = _act(action, values)
        except KzError as error:
            return self.page(error)
        tk.h.flash_success(done)
        return tk.redirect_to("kzopen_staff_agencies.show", agency=found["address"])


@blueprint.route("/agencies/<agency>/rename", methods=["GET", "POST"])
def rename(agency: str) -> Page:
    """Another name in three languages, from a day on."""
    row = mine(agency, CHANGE)
    form = Form("desk/agency/rename.html", row, request.form)
    if request.method == "GET":
        form.values = agency_fields.of_names(row) | {"since": today().isoformat()}
        return form.page()
    values = {
        "id": row.id,
        **agency_fields.names(request.form),
        **agency_fields.filled(request.form, "since", "address", "reason"),
    }
    return form.carried_out("agency_rename", values, tk._("The new name has been noted."))


@blueprint.route("/agencies/<agency>/move", methods=["GET", "POST"])
def move(agency: str) -> Page:
    """Another agency above, or nobody, from a day on."""
    row = _for_the_tree(agency, LIQUIDATE)
    form = Form("desk/agency/move.html", row, request.form)
    if request.method == "GET":
        form.values = {"since": today().isoformat()}
        return form.page()
    values: Values = {"id": row.id, **agency_fields.filled(request.form, "since", "reason")}
    if request.form.get("nobody") != "yes":
        try:
            values["parent"] = agency_fields.chosen(request.form, row.id, form.more)
        except KzError as error:
            return form.page(error)
        if not values["parent"]:
            return form.page(KzError("agencies.choose_above"))
    return form.carried_out("agency_move", values, tk._("The new place in the tree has been noted."))


@blueprint.route("/agencies/<agency>/below", methods=["GET", "POST"])
def below(agency: str) -> Page:
    """A new agency that answers to this one."""
    row = _for_the_tree(agency, CREATE)
    form = Form("desk/agency/below.html", row, request.form)
    if request.method == "GET":
        form.values = {"kind": "subordinate"}
        return form.page()
    values = {"parent": row.id, **agency_fields.names(request.form)}
    values |= agency_fields.filled(request.form, "kind", "bin", "kato", "address")
    return form.carried_out("agency_create", values, tk._("The agency has been made."))


@blueprint.route("/agencies/<agency>/liquidate", methods=["GET", "POST"])
def liquidate(agency: str) -> Page:
    """The end on a day; what goes over is shown before it is done."""
    row = _for_the_tree(agency, LIQUIDATE)
    form = Form("desk/agency/liquidate.html", row, request.form, {"owned": acts.owned(model.Session, row.id)})
    if request.method == "GET":
        form.values = {"since": today().isoformat()}
        return form.page()
    values = {"id": row.id, **agency_fields.filled(request.form, "reason")}
    if day := request.form.get("since", "").strip():
        values["on"] = day
    try:
        successor = agency_fields.chosen(request.form, row.id, form.more)
    except KzError as error:
        return form.page(error)
    if request.form.get("sure") != "yes":
        return form.page(KzError("agencies.not_sure"))
    if successor:
        values["successor"] = successor
    return form.carried_out("agency_liquidate", values, tk._("The end of the agency has been noted."))


@blueprint.post("/agencies/<agency>/rename/cancel")
def cancel_rename(agency: str) -> Page:
    """The name that was to come does not."""
    return _taken_back("agency_rename", mine(agency, CHANGE), tk._("The agency keeps its name."))


@blueprint.post("/agencies/<agency>/move/cancel")
def cancel_move(agency: str) -> Page:
    """The place that was to come does not."""
    return _taken_back("agency_move", _for_the_tree(agency, LIQUIDATE), tk._("The agency stays in its place."))


@blueprint.post("/agencies/<agency>/liquidate/cancel")
def cancel_liquidation(agency: str) -> Page:
    """The end that was planned does not come."""
    return _taken_back("agency_liquidate", _for_the_tree(agency, LIQUIDATE), tk._("The agency is not liquidated."))


def _taken_back(action: str, row: Agency, done: str) -> Page:
    address = row.address
    try:
        _act(action, {"id": row.id, "cancel": True})
    except KzError as error:
        tk.h.flash_error(error.text(request_language()))
    else:
        tk.h.flash_success(done)
    return tk.redirect_to("kzopen_staff_agencies.show", agency=address)


def _act(action: str, values: Values) -> Values:
    """The action in my name; after a refusal nothing of it is left in the session."""
    try:
        found: Values = tk.get_action(action)({"user": me()}, values)
    except KzError:
        model.Session.rollback()
        raise
    return found


def _for_the_tree(reference: str, right: str) -> Agency:
    visitor().require(right, EVERYWHERE)
    return mine(reference, right)

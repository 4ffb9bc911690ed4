"""The staff's pages of rules: thresholds of a data set, whose deliveries a second person of the agency approves."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import datasets, rights, rules
from ckanext.kzopen.publishing.desk import Page, blueprint, me, mine, show
from flask import request

AGENCY_RIGHT = "agencies.change"
PERCENT = 100


@blueprint.route("/datasets/<uri>/rules", methods=["GET", "POST"])
def thresholds(uri: str) -> Page:
    """What an empty or much smaller table is to meet; kept for the data set."""
    passport = mine(uri, rights.APPROVE)
    package = datasets.visible_package(passport, me())
    wanted = _wanted(request.form) if request.method == "POST" else None
    if wanted is not None:
        actor = datasets.user_id(me())
        rules.set_thresholds(model.Session(), passport.package_id, wanted, actor, package["owner_org"])
        model.Session.commit()
        return tk.h.redirect_to("kzopen_staff.dataset", uri=uri)
    kept = rules.thresholds(model.Session(), passport.package_id)
    percent = round(kept.loss * PERCENT) if kept.loss is not None else None
    return show("rules", uri=uri, package=package, kept=kept, percent=percent)


def _wanted(form: Any) -> rules.Thresholds | None:
    """The thresholds of the form; None, and the form comes again, for a value that it does not offer."""
    empty, columns, loss = form.get("empty"), form.get("columns"), form.get("loss", "").strip()
    good_loss = not loss or (loss.isascii() and loss.isdigit() and 1 <= int(loss[:4]) <= PERCENT)
    if empty not in rules.EMPTY or columns not in rules.COLUMNS or not good_loss:
        return None
    return rules.Thresholds(empty, int(loss) / PERCENT if loss else None, columns)


@blueprint.route("/approval", methods=["GET", "POST"])
def approval() -> Page:
    """Of each agency that I administer: whose deliveries a second person approves."""
    agencies = rights.organizations_of(me(), AGENCY_RIGHT)
    if not agencies:
        raise KzError("web.not_allowed", right=AGENCY_RIGHT)
    agency, wanted = request.form.get("agency"), request.form.get("second_person")
    if wanted in rules.SECOND_PERSON and agency in [row["id"] for row in agencies]:
        rules.set_second_person(model.Session(), str(agency), wanted, datasets.user_id(me()))
        model.Session.commit()
        return tk.h.redirect_to("kzopen_staff.approval")
    kept = {row["id"]: rules.second_person(model.Session(), row["id"]) for row in agencies}
    return show("approval", agencies=agencies, kept=kept)

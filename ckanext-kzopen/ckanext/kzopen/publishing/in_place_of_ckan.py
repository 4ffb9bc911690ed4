"""CKAN's own forms of a data set with a passport lead to the staff's pages: by them it would be renamed, emptied of its table
or taken from the public without a reason, past the publish path."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.publishing import rights
from ckanext.kzopen.publishing.model import Passport
from flask import Flask, Response, request

EDIT, LOOK = "kzopen_staff.edit_dataset", "kzopen_staff.dataset"
PAGES = {
    "dataset.edit": EDIT,
    "dataset.delete": LOOK,
    "dataset.resources": LOOK,
    "dataset_resource.new": LOOK,
    "dataset_resource.edit": LOOK,
    "dataset_resource.delete": LOOK,
    "resource.new": LOOK,
    "resource.edit": LOOK,
    "resource.delete": LOOK,
    "datastore.dictionary": EDIT,
}
"""Pages of CKAN, and ours that take their place for whoever may change the data set; nobody else is told more than before."""
LISTS = {"dataset.new": "kzopen_staff.new_dataset", "organization.bulk_process": "kzopen_staff.index"}
"""The same for pages of no one data set, for whoever may make some."""


def install(app: Flask) -> None:
    app.before_request(lead_to_ours)


def lead_to_ours() -> Response | None:
    """Nothing that was sent to a page of CKAN's is done."""
    endpoint = request.endpoint or ""
    if endpoint in LISTS:
        return tk.redirect_to(LISTS[endpoint]) if rights.may_create(tk.current_user.name) else None
    if endpoint not in PAGES:
        return None
    passport = _passport(model.Package.get((request.view_args or {}).get("id")))
    if passport is None or not rights.may(tk.current_user.name, rights.CHANGE, passport.package_id):
        return None
    return tk.redirect_to(PAGES[endpoint], uri=passport.uri)


def _passport(package: Any) -> Passport | None:
    return model.Session().get(Passport, package.id) if package else None


@tk.chained_action
def package_update(original: Any, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's action, but for what a data set with a passport gets otherwise: its address stays for ever, its table comes by
    deliveries, and it is closed and opened with a reason."""
    if context.get("ignore_auth"):  # the publish path itself, for each version
        return original(context, data_dict)
    package = model.Package.get(data_dict.get("id") or data_dict.get("name"))
    passport = _passport(package)
    if passport is not None and (wrong := _past_the_path(package, passport, data_dict)):
        tk.check_access("package_update", context, data_dict)
        raise tk.ValidationError({place: [error.text(request_language())] for place, error in wrong.items()})
    return original(context, data_dict)


def _past_the_path(package: Any, passport: Passport, given: dict[str, Any]) -> dict[str, KzError]:
    """What an update would change past the publish path, by field; what is left out of it stays."""
    wrong = {}
    if given.get("name") not in (None, "", passport.uri, passport.package_id):
        wrong["name"] = KzError("publishing.uri_is_fixed", uri=passport.uri)
    if "private" in given and tk.asbool(given["private"]) != package.private:
        wrong["private"] = KzError("publishing.closed_with_a_reason")
    kept = {one.get("id") for one in given.get("resources") or [] if isinstance(one, dict)}
    there = {resource.id for resource in package.resources}
    if passport.resource_id in there - kept:
        wrong["resources"] = KzError("rows.published_by_deliveries")
    return wrong


def actions() -> dict[str, Any]:
    """The actions that plugin `kzopen_publishing` gives CKAN."""
    return {"package_update": package_update}

"""What all of the staff's pages share: who may come in, whose data set it is, how a page is made."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.core.people.privacy import is_staff
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import datasets, rights
from ckanext.kzopen.publishing.model import Passport
from flask import Blueprint, Response, current_app, request

blueprint = Blueprint("kzopen_staff", __name__, url_prefix="/staff")

Page = str | Response


@blueprint.before_request
def _only_staff() -> Any:
    """Let in people who work in some agency; a form must carry its token even where CKAN has lifted the check for a view.

    CKAN exempts a view for good once anyone has called it with an API token.
    """
    if tk.current_user.is_anonymous:
        return tk.h.redirect_to("user.login", came_from=request.full_path.rstrip("?"))
    if not is_staff(me()):
        raise KzError("web.not_allowed")
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    return None


def me() -> str:
    """The name of whoever is signed in."""
    return str(tk.current_user.name)


def mine(uri: str) -> Passport:
    """The passport of a data set that I may change; KzError otherwise."""
    passport = datasets.known_passport(model.Session(), uri)
    rights.require_editor(me(), passport.package_id)
    return passport


def show(name: str, **values: Any) -> str:
    """One page of the staff, with the names of the states of deliveries."""
    return tk.render(f"staff/{name}.html", {"states": machine_of("delivery").states, **values})

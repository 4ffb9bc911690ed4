"""Who may come into the workstation, for the pages of every section under `/staff`."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.core.desk.visitor import ENTER, visitor
from flask import Blueprint, Response, current_app, request

Page = str | Response
ROOT = "/staff"


def pages(name: str) -> Blueprint:
    """A blueprint under `/staff` into which only staff may come; a section puts its pages on one of its own."""
    blueprint = Blueprint(name, __name__, url_prefix=ROOT)
    blueprint.before_request(only_staff)
    return blueprint


def only_staff() -> Any:
    """Let in people who work in some agency; a form must carry its token even where CKAN has lifted the check for a view.

    CKAN exempts a view for good once anyone has called it with an API token.
    """
    if tk.current_user.is_anonymous:
        return tk.h.redirect_to("user.login", came_from=request.full_path.rstrip("?"))
    visitor().require(ENTER)
    if current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    return None


def me() -> str:
    """The name of whoever is signed in."""
    return str(tk.current_user.name)

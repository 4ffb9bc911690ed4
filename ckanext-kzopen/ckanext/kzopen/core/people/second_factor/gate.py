"""Who must have a second factor and has none may set one up, sign out, and nothing else."""

from __future__ import annotations

import time

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.people.second_factor import keeping
from ckanext.kzopen.core.people.second_factor.requiring import required
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.requests import wants_page
from flask import Flask, Response, g, request, session

ALLOWED = (
    "kzopen_account.second_factor",
    "user.logout",
    "user.logged_out_page",
    "static",
    "webassets.index",
    "api.i18n_js_translations",
)
LOOKED = 300  # seconds after which the roles of a session are looked at anew: a role may be given meanwhile


def install(app: Flask) -> None:
    app.before_request(hold_back)


def hold_back() -> Response | None:
    """Only for sessions of people; a token of the API has its own rights and goes on working."""
    about = session.get(store.ABOUT)
    if not about or about.get("proved") or g.get("login_via_auth_header") or request.endpoint in ALLOWED:
        return None
    if time.time() - about.get("looked", 0) > LOOKED:
        about = look(about)
    if not about["must"]:
        return None
    if wants_page() and request.method == "GET":
        answer: Response = tk.redirect_to("kzopen_account.second_factor")
        return answer
    raise KzError("people.second_factor_is_required")


def look(about: dict[str, object]) -> dict[str, object]:
    """Note in the session whether a second factor is asked of its owner, who has not shown one."""
    user_id = session["_user_id"]
    found = {**about, "looked": time.time(), "must": required(user_id) or keeping.enrolled(user_id)}
    session[store.ABOUT] = found
    return found


def proved() -> None:
    """The owner of the session has just shown a second factor."""
    session[store.ABOUT] = {**session[store.ABOUT], "proved": True, "must": False}

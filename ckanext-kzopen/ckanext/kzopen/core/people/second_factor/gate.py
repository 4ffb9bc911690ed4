"""Who must have a second factor and has none may set one up, sign out, and nothing else; their tokens only read."""

from __future__ import annotations

import time

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.accounts import tokens
from ckanext.kzopen.core.people.second_factor import keeping
from ckanext.kzopen.core.people.second_factor.requiring import required, switched_on
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.requests import READING, wants_page
from flask import Flask, Response, g, request, session

ALLOWED = (
    "kzopen_account.second_factor",
    "kzopen_account.recover",  # who signs in by a provider has no password yet, and setting it up asks for one
    "kzopen_account.sent",
    "kzopen_account.new_password",
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
    """Sessions are held back from everything; tokens of the API from what changes something."""
    if g.get("login_via_auth_header"):  # CKAN sets it for anonymous people too
        if tk.current_user.is_authenticated:
            hold_back_token(tk.current_user.id, request.headers.get(tk.config["apitoken_header_name"], ""))
        return None
    about = session.get(store.ABOUT)
    if not about or about.get("proved") or request.endpoint in ALLOWED:
        return None
    if time.time() - about.get("looked", 0) > LOOKED:
        about = look(about)
    if not about["must"]:
        return None
    if wants_page() and request.method == "GET":
        answer: Response = tk.redirect_to("kzopen_account.second_factor")
        return answer
    raise KzError("people.second_factor_is_required")


def hold_back_token(user_id: str, token: str) -> None:
    """KzError people.token_only_reads where this request writes and the token's owner lacks the second factor.

    The token of the portal's own commands is that of its machine: whoever reads it there needs no account.
    """
    if _only_reads() or not switched_on():
        return
    # What asks the database least stands first: a part of the portal, then most of the staff.
    if tokens.is_portals(model.Session, token) or keeping.enrolled(user_id) or not required(user_id):
        return
    raise KzError("people.token_only_reads")


def _only_reads() -> bool:
    """Of CKAN's actions those that change nothing, whatever the method: CKAN runs the others by HEAD too."""
    if request.endpoint != "api.action":
        return request.method in READING
    name = (request.view_args or {}).get("logic_function", "")
    try:
        return bool(getattr(tk.get_action(name), "side_effect_free", False))
    except KeyError:
        return True  # there is no such action: CKAN says so


def look(about: dict[str, object]) -> dict[str, object]:
    """Note in the session whether a second factor is asked of its owner, who has not shown one."""
    user_id = session["_user_id"]
    found = {**about, "looked": time.time(), "must": required(user_id) or keeping.enrolled(user_id)}
    session[store.ABOUT] = found
    return found


def proved() -> None:
    """The owner of the session has just shown a second factor."""
    session[store.ABOUT] = {**session[store.ABOUT], "proved": True, "must": False}

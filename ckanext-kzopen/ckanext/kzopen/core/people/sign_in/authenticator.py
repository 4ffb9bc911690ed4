"""What plugin `kzopen` does as CKAN's IAuthenticator: nobody signs in but through our rules."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import ckan_before_request
from ckan.lib import api_token
from ckanext.kzopen.core.people.sessions.interface import PortalSession, PortalSessions
from ckanext.kzopen.core.people.sign_in import password
from ckanext.kzopen.core.people.sign_in.views import address
from ckanext.kzopen.core.web.errors import KzError
from flask import Flask, g, request, session

Person = Any
"""`model.User`, or `model.AnonymousUser` where nobody else is to be asked."""


def install(app: Flask) -> None:
    """Our sessions in the place of Flask's; `refuse_blind_writes` right after CKAN's beginning, before forms are checked."""
    app.session_interface = PortalSessions()
    before = app.before_request_funcs.setdefault(None, [])
    before.insert(before.index(ckan_before_request) + 1, refuse_blind_writes)


def authenticate(identity: dict[str, Any]) -> Person:
    """For pages of CKAN that ask for a password once more: throttled like signing in, and nothing after us is asked."""
    try:
        return password.signed_in_by(str(identity.get("login") or ""), str(identity.get("password") or ""), address())
    except KzError as error:
        if error.code != "people.wrong_password":
            raise
        return model.AnonymousUser()


def identify_user(user_id: str | None) -> Person | None:
    """Refuse a session that Valkey does not hold: a cookie of CKAN's own, a remembered one, one that was ended.

    A token of the API that comes with the request counts all the same.
    """
    if user_id is None or _is_held(user_id):
        return None
    session.pop("_user_id", None)
    token = request.headers.get(tk.config["apitoken_header_name"], "")
    user = api_token.get_user_from_token(token) if token else None
    if user is None:
        return model.AnonymousUser()
    g.login_via_auth_header = True
    return user


def _is_held(user_id: str) -> bool:
    current = session._get_current_object()  # type: ignore[attr-defined]
    return isinstance(current, PortalSession) and current.stored and current.get("_user_id") == user_id


def refuse_blind_writes() -> None:
    """While Valkey is away nobody is known to be signed in: pages are shown as to anybody, forms wait."""
    current = session._get_current_object()  # type: ignore[attr-defined]
    if getattr(current, "unreachable", False) and request.method not in ("GET", "HEAD", "OPTIONS"):
        raise KzError("web.unavailable")

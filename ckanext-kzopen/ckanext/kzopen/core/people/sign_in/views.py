"""The pages of signing in and out, in the place of CKAN's own (`IAuthenticator.login` and `.logout`)."""

from __future__ import annotations

import re

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.sign_in import providers, session
from ckanext.kzopen.core.people.sign_in.providers import Started
from ckanext.kzopen.core.people.sign_in.waiting import go_in
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Response, make_response, request

# Browsers take a backslash for a slash, and leave out tabs and line feeds: "/\evil.example" leads to another site.
_INSIDE = re.compile(r"/(?![/\\])[^\\\x00-\x20]*")


def sign_in() -> Response:
    """The form, and what was sent with it."""
    if tk.current_user.is_authenticated:
        return go_on()
    if request.method != "POST":
        return _page()
    try:
        identity = providers.known("password").finish(Started(), request.form, address())
    except KzError as error:
        model.Session.rollback()
        return _page(error)
    return go_in(model.User.get(identity.subject), wanted(), kept=bool(request.form.get("remember")))


def _page(error: KzError | None = None) -> Response:
    sentence = error.text(request_language()) if error else ""
    page = tk.render(
        "people/sign_in.html",
        {
            "error": sentence,
            "values": request.form,
            "came_from": wanted(),
            "providers": providers.elsewhere(),
            "days": tk.config["kzopen.session_days"],
            "hours": tk.config["kzopen.session_hours"],
        },
    )
    return make_response(page, error.status if error else 200)


def wanted() -> str:
    """The page of the portal that the reader came from, "" where there is none or it lies elsewhere."""
    given = request.values.get("came_from") or request.values.get("next") or ""
    return given if _INSIDE.fullmatch(given) else ""


def go_on() -> Response:
    """On to the page that the reader wanted, else to the first page of whoever has signed in."""
    answer: Response = tk.redirect_to(wanted() or tk.config["ckan.auth.route_after_login"])
    return answer


def sign_out() -> Response:
    """Ask by GET, so that no picture of another site signs anybody out; end the session by POST."""
    if tk.current_user.is_anonymous:
        return _elsewhere("user.login")
    if request.method != "POST":
        return make_response(tk.render("people/sign_out.html", {}))
    session.finish(tk.current_user.id)
    return _elsewhere("user.logged_out_page")


def _elsewhere(endpoint: str) -> Response:
    answer: Response = tk.redirect_to(wanted() or endpoint)
    return answer


def address() -> str:
    """Where the request comes from."""
    return request.remote_addr or ""

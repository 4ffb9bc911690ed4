"""When a session ends however much it is used: sooner for who works for an agency. Who goes on signs in again.

The moment is kept in the session and looked at whenever it is opened (`interface`). Every few minutes it is measured anew,
since a role may be given, and the settings may be changed, while somebody is signed in.
"""

from __future__ import annotations

import time

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.web.errors import KzError
from flask import Flask, Response, current_app, request, session

MEASURED = 300  # seconds after which the end is measured anew
HOUR, DAY = 3600, 86400


def install(app: Flask) -> None:
    app.before_request(measure)


def end_of(user_id: str, since: float) -> float:
    """When a session that began at `since` ends at the latest; seconds since 1970, both."""
    if rights.roles_of(user_id):
        return since + int(tk.config["kzopen.session_hours"]) * HOUR
    return since + int(tk.config["kzopen.session_days"]) * DAY


def measured(user_id: str, since: float) -> dict[str, float]:
    """What a session remembers of its end."""
    return {"until": end_of(user_id, since), "measured": time.time()}


def measure() -> Response | None:
    """Measure the end anew; where it is past already, a page is read without the session, and nothing is written."""
    about, user_id = session.get(store.ABOUT), session.get("_user_id")
    if not about or not user_id or time.time() - about.get("measured", 0) <= MEASURED:
        return None
    about = {**about, **measured(user_id, about["since"])}
    if not store.is_over(about):
        session[store.ABOUT] = about
        return None
    current_app.session_interface.regenerate(session)  # type: ignore[attr-defined]
    session.clear()
    if request.method not in ("GET", "HEAD"):
        raise KzError("web.not_signed_in")
    page = "/" + request.full_path.lstrip("/\\").rstrip("?")  # "//evil.example" would lead to another site
    answer: Response = tk.redirect_to(tk.url_for(page))
    return answer

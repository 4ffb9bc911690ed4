"""After the first step: signed in at once, or asked for the second factor."""

from __future__ import annotations

import time

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.second_factor import keeping
from ckanext.kzopen.core.people.sign_in import session as sessions
from flask import Response, session

WAITING = "kzopen_waiting"
PATIENCE = 600  # seconds for the second step


def go_in(user: model.User, came_from: str, *, kept: bool = False, by: str = "password") -> Response:
    """On to the page that was wanted, or to the page that asks for the code."""
    if not keeping.enrolled(user.id):
        sessions.begin(user, kept=kept, by=by)
        answer: Response = tk.redirect_to(came_from or tk.config["ckan.auth.route_after_login"])
        return answer
    sessions.renew()
    waits = {"user": user.id, "kept": kept, "by": by, "came_from": came_from, "until": time.time() + PATIENCE}
    session[WAITING] = waits
    answer = tk.redirect_to("kzopen_account.sign_in_code")
    return answer

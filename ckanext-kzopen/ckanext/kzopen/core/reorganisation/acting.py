"""Who acts, as the event log writes it: the id of an account, or the portal itself."""

from __future__ import annotations

from typing import Any

from ckan import model
from flask import has_request_context
from flask_login import current_user

PORTAL = "system:ckan"


def of_request() -> str:
    """The person whose request this is, else the portal itself."""
    person = current_user if has_request_context() else None
    return str(person.id) if person is not None and person.is_authenticated else PORTAL


def of_context(context: Any) -> str:
    """The account in whose name an action runs."""
    user = model.User.get(context.get("user"))
    return str(user.id) if user else PORTAL

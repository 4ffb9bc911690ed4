"""A form sent from another site is refused, whatever requests the same worker answered before.

CKAN 2.12.0 exempts a view from the check when somebody calls it with an API token *or anonymously*, and the exemption holds
for every later request of that worker (CVE-2026-41255, fixed in 2.10.10 and 2.11.5 but not here). Here it holds for the
request that asked for it, and never for an anonymous one that signs in or resets a password: another site could sign a
visitor in under its own account.
"""

from __future__ import annotations

from typing import Any

from ckan.config.middleware.flask_app import csrf
from flask import g, has_request_context, request
from flask_login import current_user

SIGN_IN = ("user",)


class ForOneRequest(set[str]):
    """Names of exempt views: those named while the application was made for good, those named in a request for it alone."""

    def add(self, view: str) -> None:
        if has_request_context():
            g.kzopen_csrf_exempt = view
        else:
            super().add(view)

    def __contains__(self, view: object) -> bool:
        return super().__contains__(view) or (has_request_context() and _asked_here(view))


def _asked_here(view: object) -> bool:
    if g.get("kzopen_csrf_exempt") != view:
        return False
    return bool(current_user.is_authenticated) or request.blueprint not in SIGN_IN


def install() -> None:
    """Put our set in the place of flask-wtf's; once, however often the application is made."""
    kept: Any = csrf._exempt_views
    if not isinstance(kept, ForOneRequest):
        csrf._exempt_views = ForOneRequest(kept)

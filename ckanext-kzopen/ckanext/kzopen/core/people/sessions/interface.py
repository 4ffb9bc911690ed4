"""Flask's sessions: a signed cookie for readers, who cost the portal nothing, and Valkey as soon as somebody signs in.

A cookie of the first kind never signs anybody in, whoever signed it; of the second kind the browser holds a secret only, so
ending a session on the server ends it everywhere.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from ckanext.kzopen.core.people.sessions import store
from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from redis import RedisError
from structlog import get_logger

TOUCHED = 300  # seconds after which the time of last use is written anew
_SECRET = re.compile(r"[\w-]{43}")
_log = get_logger(__name__)


class PortalSession(SecureCookieSession):
    """`secret` opens it in Valkey, "" for a reader's; `stored` is whether it was there when the request began."""

    secret = ""
    stored = False
    unreachable = False

    @property
    def private(self) -> bool:
        """Whether it says who somebody is, or is about to be."""
        return any(name == "_user_id" or name.startswith("kzopen_") for name in self)


class PortalSessions(SecureCookieSessionInterface):
    """What `app.session_interface` is."""

    session_class = PortalSession

    def open_session(self, app: Flask, request: Request) -> PortalSession | None:
        value = request.cookies.get(self.get_cookie_name(app), "")
        if not _SECRET.fullmatch(value):
            found = super().open_session(app, request)
            return found if isinstance(found, PortalSession) else None
        try:
            kept = store.load(value)
        except RedisError as error:
            _log.warning("sessions cannot be read", error=type(error).__name__)
            lost = PortalSession()
            lost.unreachable = True
            return lost
        if kept is None or store.is_over(kept.get(store.ABOUT, {})):
            return PortalSession()
        return _opened(value, kept)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, PortalSession) or session.unreachable:
            return
        if session.private:
            self._keep(app, session, response)
            return
        if session.secret:
            store.drop(session.secret)
            session.secret, session.modified = "", True
        super().save_session(app, session, response)

    def _keep(self, app: Flask, session: PortalSession, response: Response) -> None:
        response.vary.add("Cookie")
        if not session.modified:
            return
        new = not session.stored
        session.secret = session.secret or secrets.token_urlsafe(32)
        store.save(session.secret, dict(session), new=new)
        kept = session.get(store.ABOUT, {}).get("kept")
        if new or kept:
            self._give_cookie(app, session.secret, response, store.lifetime(dict(session)) if kept else None)

    def _give_cookie(self, app: Flask, secret: str, response: Response, max_age: int | None) -> None:
        response.set_cookie(
            self.get_cookie_name(app),
            secret,
            max_age=max_age,
            domain=self.get_cookie_domain(app),
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
            httponly=self.get_cookie_httponly(app),
            samesite=self.get_cookie_samesite(app),
        )

    def regenerate(self, session: Any) -> None:
        """Give the session a new secret; the old one opens nothing. CKAN calls this where it signs somebody in."""
        if session.secret:
            store.drop(session.secret)
        session.secret, session.stored, session.modified = "", False, True


def _opened(secret: str, kept: dict[str, Any]) -> PortalSession:
    session = PortalSession(kept)
    session.secret, session.stored = secret, True
    about = session.get(store.ABOUT)
    if about and time.time() - about["last"] > TOUCHED:
        session[store.ABOUT] = {**about, "last": time.time()}
    session.accessed = False
    return session

"""Beginning and ending the session of a person; its secret changes both times."""

from __future__ import annotations

import time

from ckan import model
from ckan.common import login_user, logout_user
from ckanext.kzopen.core.people.sessions import ending, store
from ckanext.kzopen.core.people.sessions.device import device, shortened
from ckanext.kzopen.core.record.events import write_event
from flask import current_app, request, session

FRESH = 600  # seconds


def begin(user: model.User, *, kept: bool = False, by: str = "password") -> None:
    """Sign the person in; `kept` on this device until it ends (`ending`), `by` the way in which they proved who they are."""
    renew()
    login_user(user)
    now = time.time()
    session[store.ABOUT] = {
        "since": now,
        "last": now,
        "device": device(request.user_agent.string),
        "address": shortened(request.remote_addr or ""),
        "kept": kept,
        **ending.measured(user.id, now),
    }
    write_event(
        model.Session,
        kind="account",
        object_id=user.id,
        verb="sign_in",
        actor=user.id,
        address=request.remote_addr,
        new={"by": by},
    )
    model.Session.commit()


def finish(user_id: str) -> None:
    """Sign out: the session ends on the server, and a copy of its cookie opens nothing."""
    logout_user()
    renew()
    write_event(model.Session, kind="account", object_id=user_id, verb="sign_out", actor=user_id, address=request.remote_addr)
    model.Session.commit()


def renew() -> None:
    """Another secret, and nothing of what the session held."""
    current_app.session_interface.regenerate(session)  # type: ignore[attr-defined]
    session.clear()


def is_fresh() -> bool:
    """Whether whoever is signed in has signed in within the last FRESH seconds: then the password is not asked for again."""
    return bool(time.time() - session.get(store.ABOUT, {}).get("since", 0) < FRESH)


def secret() -> str:
    """What opens this request's session, "" for a reader's."""
    return str(getattr(session, "secret", ""))

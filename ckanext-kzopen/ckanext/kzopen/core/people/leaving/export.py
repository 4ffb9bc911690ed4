"""Everything that the portal keeps of a person, as a file: one JSON document for each section, in a zip."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ckan import model
from ckanext.kzopen.core.people import levels, rights
from ckanext.kzopen.core.people.accounts.model import Account
from ckanext.kzopen.core.people.invitations import Invitation
from ckanext.kzopen.core.people.second_factor import keeping
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.people.sign_in import linking
from ckanext.kzopen.core.record.events import AnySession, as_dict
from ckanext.kzopen.core.record.model import Event
from sqlalchemy import func, or_, select

Part = Callable[[AnySession, str], Any]
_parts: dict[str, Part] = {}


def register(name: str, part: Part) -> None:
    """Tell what a section keeps of a person, in the file `<name>.json`; the same name again replaces it."""
    _parts[name] = part


def archive(session: AnySession, user_id: str) -> bytes:
    """The zip with all parts, in the order of their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in sorted(_parts.items()):
            told = json.dumps(part(session, user_id), ensure_ascii=False, indent=2, default=_plain)
            file.writestr(f"{name}.json", told)
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else str(value)


def _account(session: AnySession, user_id: str) -> dict[str, Any]:
    user, more = session.get(model.User, user_id), session.get(Account, user_id)
    names = ("id", "name", "fullname", "email", "about", "created", "last_active", "state", "image_url")
    told = {name: getattr(user, name) for name in names}
    return told | {"language": more.language if more else None, "email_confirmed": more.email_confirmed if more else None}


def _levels(session: AnySession, user_id: str) -> list[dict[str, Any]]:
    return [asdict(one) for one in levels.held(session, user_id)]


def _sessions(_session: AnySession, user_id: str) -> list[dict[str, Any]]:
    return [asdict(one) for one in store.sessions_of(user_id)]


def _signing_in(session: AnySession, user_id: str) -> dict[str, Any]:
    """Secrets are not told, not even to their owner: who holds the file could sign in."""
    tokens = session.scalars(select(model.ApiToken).where(model.ApiToken.user_id == user_id))
    return {
        "second_factor": keeping.enrolled(user_id),
        "recovery_codes_left": keeping.codes_left(session, user_id),
        "providers": [{"name": one.provider, "since": one.since} for one in linking.connections(session, user_id)],
        "api_tokens": [{"name": one.name, "created": one.created_at, "last_use": one.last_access} for one in tokens],
    }


def _roles(_session: AnySession, user_id: str) -> list[Any]:
    return [asdict(one) for one in rights.roles_of(user_id)]


def _invitations(session: AnySession, user_id: str) -> list[dict[str, Any]]:
    """Those that they accepted, and those that wait for them; who invited them stays the portal's."""
    email = session.scalars(select(model.User.email).where(model.User.id == user_id)).first() or ""
    theirs = or_(Invitation.person == user_id, func.lower(Invitation.email) == email.lower())
    names = ("name", "email", "language", "agency", "role", "invited", "expires", "accepted", "withdrawn")
    query = select(Invitation).where(theirs, Invitation.email != "").order_by(Invitation.id)
    return [{name: getattr(row, name) for name in names} for row in session.scalars(query)]


def _events(session: AnySession, user_id: str) -> list[dict[str, Any]]:
    """What they did, and what was done to their account; who of the staff looked stays the portal's."""
    about = (Event.kind == "account") & (Event.object_id == user_id)
    query = select(Event).where(or_(Event.actor == user_id, about)).order_by(Event.id)
    return [_without_others(as_dict(row), user_id) for row in session.scalars(query)]


def _without_others(row: dict[str, Any], user_id: str) -> dict[str, Any]:
    if row["actor"] == user_id:
        return row
    return {**row, "actor": "staff" if row["actor"] else None, "address": None}


register("account", _account)
register("levels", _levels)
register("sessions", _sessions)
register("signing_in", _signing_in)
register("roles", _roles)
register("invitations", _invitations)
register("events", _events)

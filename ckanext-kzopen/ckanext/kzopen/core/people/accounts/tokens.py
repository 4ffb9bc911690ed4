"""A person's own tokens of CKAN's API. Those of agencies' information systems are others (`people.systems`)."""

from __future__ import annotations

from ckan import model
from ckan.lib import api_token
from ckanext.kzopen.core.record.events import AnySession, write_event
from sqlalchemy import select

PORTALS = "kzopen_portals"
"""The mark of the token with which the portal's own commands call: no action of CKAN's lets a person set it."""


def own(session: AnySession, user_id: str) -> list[model.ApiToken]:
    """The person's tokens. The portal's own is not among them: who takes an account over cannot read it."""
    query = select(model.ApiToken).where(model.ApiToken.user_id == user_id)
    return [token for token in session.scalars(query) if not _is_portals(token)]


def revoke(session: AnySession, user_id: str, actor: str | None, address: str | None = None) -> int:
    """Revoke the person's tokens in the caller's transaction; how many there were."""
    found = own(session, user_id)
    for token in found:
        session.delete(token)
    if found:
        told = {"tokens": len(found)}
        write_event(session, kind="account", object_id=user_id, verb="revoke_tokens", actor=actor, address=address, new=told)
        session.flush()
    return len(found)


def mark_as_portals(session: AnySession, token: str) -> None:
    """The token is the one of the portal's own commands; nothing where it was revoked."""
    found = _row(session, token)
    if found is not None:
        found.set_extra(PORTALS, True)


def is_portals(session: AnySession, token: str) -> bool:
    """Whether the token is the one of the portal's own commands."""
    found = _row(session, token)
    return found is not None and _is_portals(found)


def _row(session: AnySession, token: str) -> model.ApiToken | None:
    number = (api_token.decode(token) or {}).get("jti")
    return session.get(model.ApiToken, number) if number else None


def _is_portals(token: model.ApiToken) -> bool:
    return (token.plugin_extras or {}).get(PORTALS) is True

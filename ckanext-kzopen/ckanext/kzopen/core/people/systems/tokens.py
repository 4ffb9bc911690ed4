"""Tokens of information systems: made, replaced, revoked; and who comes with one."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from ckanext.kzopen.core.people.systems.model import EVERYTHING, MODES, PASSPORT, AnySession, System, Token
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select

PREFIX = "kzs_"
"""What tokens of systems begin with, so that a leaked one is recognised; CKAN's API tokens begin otherwise."""
SHOWN = 12
MOST = 10  # valid tokens of one system
USED_AGAIN_AFTER = timedelta(minutes=5)
TOLD_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class Wish:
    """What a new token is to be: until when, from which networks (none = from everywhere), by which form, for what."""

    expires: datetime
    addresses: tuple[str, ...] = ()
    request: str | None = None
    may: tuple[str, ...] = EVERYTHING


@dataclass(frozen=True)
class Limits:
    """What a token lets its system change, and what to tell it otherwise: `contact` and `email` are the system's."""

    hint: str
    may: tuple[str, ...]
    contact: str
    email: str

    def require(self, power: str) -> None:
        """Raise KzError systems.read_only, or what a token that may something else is told, unless it may `power`.

        `power` is one of EVERYTHING.
        """
        self.require_any()
        if power in self.may:
            return
        if power == PASSPORT:
            raise KzError("systems.no_passports", **self._told())
        allowed = ", ".join(mode for mode in MODES if mode in self.may)
        if not allowed:
            raise KzError("systems.passports_only", **self._told())
        raise KzError("systems.wrong_mode", mode=power, allowed=allowed, **self._told())

    def require_any(self) -> None:
        """Raise KzError systems.read_only for a token that may change nothing."""
        if not self.may:
            raise KzError("systems.read_only", **self._told())

    def _told(self) -> dict[str, str]:
        return {"hint": self.hint, "contact": self.contact, "email": self.email}


@dataclass(frozen=True)
class Admitted:
    """Who has come with a token."""

    system: System
    limits: Limits


def is_token(text: str) -> bool:
    """Whether a text looks like a system's token."""
    return text.startswith(PREFIX)


def issue(session: AnySession, system: System, wish: Wish, actor: str) -> tuple[Token, str]:
    """A new token and its text, which is told this one time; nothing is committed.

    Raises KzError systems.closed, systems.too_many_tokens, or systems.already_issued for a form that was sent before.
    """
    _refuse_more(session, system, wish)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        system_id=system.id,
        hash=_hash(secret),
        hint=secret[:SHOWN],
        expires=wish.expires,
        addresses=list(wish.addresses),
        may=list(wish.may),
        request=wish.request,
    )
    session.add(token)
    session.flush()
    new = {"expires": wish.expires, "addresses": ", ".join(wish.addresses), "hint": token.hint, "may": ", ".join(wish.may)}
    _tell(session, system, token, "issue", actor, new=new)
    return token, secret


def _refuse_more(session: AnySession, system: System, wish: Wish) -> None:
    """Lock the system, so that two requests do not pass together."""
    session.refresh(system, with_for_update=True)
    if system.closed is not None:
        raise KzError("systems.closed", name=system.name)
    if wish.request and session.scalars(select(Token.id).where(Token.request == wish.request)).first():
        raise KzError("systems.already_issued")
    now = datetime.now(UTC)
    valid = select(Token.id).where(Token.system_id == system.id, Token.revoked.is_(None), Token.expires > now)
    if len(session.scalars(valid).all()) >= MOST:
        raise KzError("systems.too_many_tokens", most=MOST)


def rotate(session: AnySession, system: System, old: Token, wish: Wish, overlap: timedelta, actor: str) -> tuple[Token, str]:
    """A new token in the place of `old`, which stays valid for `overlap` and not longer than it was; nothing is committed.

    Raises KzError systems.token_is_over for a token that is revoked, expired or replaced already.
    """
    session.refresh(system, with_for_update=True)
    session.refresh(old)
    now = datetime.now(UTC)
    if old.state(now) != "active":
        raise KzError("systems.token_is_over", hint=old.hint)
    token, secret = issue(session, system, wish, actor)
    old.successor = token.id
    old.expires = min(old.expires, now + overlap)
    session.flush()
    _tell(session, system, old, "rotate", actor, new={"expires": old.expires, "successor": str(token.id)})
    return token, secret


def revoke(session: AnySession, system: System, token: Token, actor: str, reason: str | None = None) -> None:
    """End a token at once; a second time nothing happens. Nothing is committed."""
    session.refresh(token, with_for_update=True)
    if token.revoked is None:
        token.revoked = datetime.now(UTC)
        session.flush()
        _tell(session, system, token, "revoke", actor, reason=reason)


def admitted(session: AnySession, secret: str, address: str | None) -> Admitted:
    """The system that comes with this token from this address, and the token's limits; commits what is to be noted of it.

    Raises KzError systems.unknown_token, systems.token_revoked, systems.token_expired, systems.closed or
    systems.wrong_address; the last is an event as well, at most one a minute for each token.
    """
    token = session.scalars(select(Token).where(Token.hash == _hash(secret))).first()
    if token is None:
        raise KzError("systems.unknown_token")
    system = session.get_one(System, token.system_id)
    now = datetime.now(UTC)
    if token.revoked is not None:
        raise KzError("systems.token_revoked", hint=token.hint)
    if token.expires <= now:
        raise KzError("systems.token_expired", hint=token.hint, day=token.expires)
    if system.closed is not None:
        raise KzError("systems.closed", name=system.name)
    if not within(address, token.addresses):
        _refuse_address(session, system, token, address, now)
    _note_use(session, token, address, now)
    return Admitted(system, Limits(token.hint, tuple(token.may), system.contact, system.email))


def within(address: str | None, networks: list[str]) -> bool:
    """Whether an address lies in one of the networks; where there are none, every address does."""
    if not networks:
        return True
    if not address:
        return False
    here = ip_address(address)
    if isinstance(here, IPv6Address) and here.ipv4_mapped:
        here = here.ipv4_mapped
    return any(here in ip_network(network) for network in networks)


def _refuse_address(session: AnySession, system: System, token: Token, address: str | None, now: datetime) -> None:
    if token.refused is None or token.refused < now - TOLD_AGAIN_AFTER:
        token.refused = now
        _tell(session, system, token, "refuse_address", None, new={"address": address})
        session.commit()
    raise KzError("systems.wrong_address", address=address or "–", hint=token.hint)


def _note_use(session: AnySession, token: Token, address: str | None, now: datetime) -> None:
    """Write the last use every few minutes only: a write for each request would make the token a bottleneck."""
    if token.last_used is None or token.last_used < now - USED_AGAIN_AFTER:
        token.last_used, token.last_address = now, address
        session.commit()


def _hash(secret: str) -> bytes:
    """The secret has 256 random bits, so a plain hash cannot be guessed back; a slow one would cost every request."""
    return hashlib.sha256(secret.encode()).digest()


def _tell(
    session: AnySession,
    system: System,
    token: Token,
    verb: str,
    actor: str | None,
    new: dict[str, object] | None = None,
    reason: str | None = None,
) -> None:
    write_event(
        session,
        kind="system_token",
        object_id=str(token.id),
        verb=verb,
        actor=actor,
        agency=system.agency_id,
        new={"system": str(system.id)} | (new or {}),
        reason=reason,
    )

"""Whose account an identity of a provider is: its owner has joined them, by a confirmed e-mail and with consent."""

from __future__ import annotations

import secrets
from datetime import datetime

from ckan import model
from ckanext.kzopen.core.db import Base
from ckanext.kzopen.core.people import levels
from ckanext.kzopen.core.people.accounts import signing_up
from ckanext.kzopen.core.people.accounts.model import Account, Link
from ckanext.kzopen.core.people.levels import Level
from ckanext.kzopen.core.people.sign_in import password
from ckanext.kzopen.core.people.sign_in.providers import Identity
from ckanext.kzopen.core.record.events import AnySession, write_event
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import DateTime, Text, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

NOT_TAKEN = ("people.iin_taken", "people.wrong_iin")


class LinkedIdentity(Base):
    """An identity of a provider that opens an account."""

    __tablename__ = "linked_identity"

    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


def owner(session: AnySession, identity: Identity) -> model.User | None:
    """The active account that the identity opens; an e-mail that happens to be the same opens none."""
    row = session.get(LinkedIdentity, (identity.provider, identity.subject))
    user = session.get(model.User, row.user_id) if row else None
    return user if user is not None and user.state == model.State.ACTIVE else None


def connections(session: AnySession, user_id: str) -> list[LinkedIdentity]:
    """What opens the account besides its password."""
    return list(session.scalars(select(LinkedIdentity).where(LinkedIdentity.user_id == user_id)))


def connect(session: AnySession, user: model.User, identity: Identity, address: str) -> KzError | None:
    """Let the identity open the account from now on; KzError people.identity_taken, people.confirm_email_first.

    Returns what `take_level` does.
    """
    account = session.get(Account, user.id)
    if account is None or account.email_confirmed is None:
        raise KzError("people.confirm_email_first")
    try:
        with session.begin_nested():
            session.add(LinkedIdentity(provider=identity.provider, subject=identity.subject, user_id=user.id))
            session.flush()
    except IntegrityError as error:
        raise KzError("people.identity_taken") from error
    _write(session, user.id, "connect_provider", identity.provider, address)
    return take_level(session, user, identity, address)


def disconnect(session: AnySession, user_id: str, provider: str, address: str) -> None:
    """The provider opens the account no more."""
    session.execute(delete(LinkedIdentity).where(LinkedIdentity.user_id == user_id, LinkedIdentity.provider == provider))
    _write(session, user_id, "disconnect_provider", provider, address)


def disconnect_all(session: AnySession, user_id: str, address: str) -> list[str]:
    """Nothing but the password opens the account any more; the names of the providers that did."""
    found = sorted({row.provider for row in connections(session, user_id)})
    for provider in found:
        disconnect(session, user_id, provider, address)
    return found


def take_level(session: AnySession, user: model.User, identity: Identity, address: str) -> KzError | None:
    """What the provider has confirmed counts here, as confirmed by it.

    Returns why it does not (people.iin_taken, people.wrong_iin): no reason to keep the account's owner out.
    """
    if not identity.iin or Level.iin_confirmed in levels.levels_of(user.id):
        return None
    try:
        with session.begin_nested():
            by = levels.PROVIDER + identity.provider
            levels.confirm(session, user.id, Level.iin_confirmed, by, number=identity.iin, address=address)
    except KzError as error:
        if error.code not in NOT_TAKEN:
            raise
        return error
    return None


def of_mailed_link(session: AnySession, link: Link, address: str) -> model.User:
    """The account of the address to which the link went, made where there is none; nobody knows its password."""
    known = password.account(link.email)
    if known is None:
        known = signing_up.made(link, secrets.token_urlsafe(48))
        write_event(session, kind="account", object_id=known.id, verb="create", actor=known.id, address=address)
    signing_up.remember_confirmed(session, known.id, link.language)
    return known


def _write(session: AnySession, user_id: str, verb: str, provider: str, address: str) -> None:
    told = {"provider": provider}
    write_event(session, kind="account", object_id=user_id, verb=verb, actor=user_id, address=address, new=told)

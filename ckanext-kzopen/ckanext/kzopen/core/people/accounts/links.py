"""Links that are mailed: only the hash of their token is kept, each works once and not for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ckanext.kzopen.core import mail
from ckanext.kzopen.core.people.accounts.model import Link
from ckanext.kzopen.core.people.secrets import digest, new_token
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import delete, select

HOURS = {"sign_up": 24, "recover": 1, "change_email": 24, "join": 1, "same_email": 24}
"""Purposes, and how long their links work."""


def issue(
    session: AnySession, purpose: str, email: str, language: str, *, user_id: str | None = None, fullname: str | None = None
) -> tuple[str, datetime]:
    """The token of a new link, and until when it works. Earlier links of this purpose to this address end."""
    session.execute(delete(Link).where(Link.purpose == purpose, Link.email == email))
    token, expires = new_token(), datetime.now(UTC) + timedelta(hours=HOURS[purpose])
    values = {"user_id": user_id, "email": email, "fullname": fullname, "language": language, "expires": expires}
    session.add(Link(digest=digest(token), purpose=purpose, **values))
    session.flush()
    return token, expires


def look(session: AnySession, purpose: str, token: str) -> Link:
    """What the link is for, without using it up; KzError people.link_over."""
    query = select(Link).where(Link.digest == digest(token), Link.purpose == purpose, Link.expires > datetime.now(UTC))
    found = session.scalars(query).first()
    if found is None:
        raise KzError("people.link_over")
    return found


def use(session: AnySession, purpose: str, token: str) -> Link:
    """Use the link up; of two requests at once one gets it. KzError people.link_over.

    Whoever has it reads the mail of its address: should mails have come back from there, they are sent again.
    """
    found = look(session, purpose, token)
    session.expunge(found)
    taken = session.execute(delete(Link).where(Link.digest == found.digest).returning(Link.digest)).scalar()
    if taken is None:
        raise KzError("people.link_over")
    mail.revive(session, found.email)
    return found


def end(session: AnySession, user_id: str) -> None:
    """End every link of the account: its password or its address has changed."""
    session.execute(delete(Link).where(Link.user_id == user_id))


def sweep(session: AnySession) -> int:
    """Delete the links that are over; how many."""
    gone = session.execute(delete(Link).where(Link.expires <= datetime.now(UTC)).returning(Link.digest))
    return len(gone.all())

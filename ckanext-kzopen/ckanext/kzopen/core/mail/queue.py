"""Putting mails into the queue, in the caller's transaction, and taking unsent ones out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.mail.addresses import checked
from ckanext.kzopen.core.mail.letters import rendered
from sqlalchemy import text
from sqlalchemy.orm import Session, scoped_session

AnySession = Session | scoped_session[Any]
SEND = "mail.send"
"""The task that sends what is due; jobs of this name also have this lock, so that one runs at a time."""

_INSERT = """
    INSERT INTO kzopen.mail (template, recipient, language, person, subject, text, unsubscribe, once, about, until)
    VALUES (:template, :recipient, :language, :person, :subject, :text, :unsubscribe, :once, CAST(:about AS text[]), :until)
    ON CONFLICT (once) DO NOTHING
"""
_ONE = text(f"{_INSERT} RETURNING id")
_MANY = text(_INSERT)
_EARLIER = text("SELECT id FROM kzopen.mail WHERE once = :once")
_WITHDRAW = text(
    """
    UPDATE kzopen.mail SET state = 'stopped', subject = NULL, text = NULL, changed = now(), error = :reason
    WHERE state = 'queued' AND about && CAST(:about AS text[]) RETURNING id
    """
)


@dataclass(frozen=True)
class Post:
    """A mail to be: `once` makes it unique, `until` is when it is of no use any more, `about` names what it tells of.

    `unsubscribe` is the address of one-click unsubscription; mails that have one are sent after those that have none.
    """

    template: str
    to: str
    language: str
    values: Mapping[str, Any]
    person: str | None = None
    unsubscribe: str | None = None
    once: str | None = None
    until: datetime | None = None
    about: tuple[str, ...] = field(default=())


def queue(
    session: AnySession,
    *,
    template: str,
    to: str,
    language: str,
    values: Mapping[str, Any],
    person: str | None = None,
    unsubscribe: str | None = None,
    once: str | None = None,
    until: datetime | None = None,
    about: tuple[str, ...] = (),
) -> int:
    """Queue one mail; its number. It is sent soon after the caller's commit, and not at all if that rolls back.

    A second mail with the same `once` is not queued: the number of the first is returned (for as long as the queue
    remembers it, `sending.KEPT_DAYS`). Raises KzError mail.bad_address.
    """
    post = Post(template, to, language, values, person, unsubscribe, once, until, about)
    number = session.execute(_ONE, _row(post)).scalar()
    if number is None:
        return int(session.execute(_EARLIER, {"once": once}).scalar_one())
    jobs.defer(session, SEND, lock=SEND)
    return int(number)


def queue_many(session: AnySession, posts: Iterable[Post]) -> None:
    """Queue many mails with one statement a thousand and one job."""
    rows = [_row(post) for post in posts]
    if rows:
        session.execute(_MANY, rows)
        jobs.defer(session, SEND, lock=SEND)


def withdraw(session: AnySession, about: Iterable[str], reason: str) -> list[int]:
    """Stop every unsent mail that tells of any of these things; their numbers. One that is just being sent is not stopped."""
    return [int(row.id) for row in session.execute(_WITHDRAW, {"about": list(about), "reason": reason})]


def _row(post: Post) -> dict[str, Any]:
    letter = rendered(post.template, post.language, post.values)
    return {
        "template": post.template,
        "recipient": checked(post.to),
        "language": post.language,
        "person": post.person,
        "subject": letter.subject,
        "text": letter.text,
        "unsubscribe": post.unsubscribe,
        "once": post.once,
        "about": list(post.about),
        "until": post.until,
    }

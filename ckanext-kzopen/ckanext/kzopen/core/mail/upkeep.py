"""The operator's view of the queue: what waits, what is in doubt and why, sending again, giving up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.mail.sending import PATIENCE
from sqlalchemy import text

IN_DOUBT = f"state = 'sending' AND changed < now() - interval '{PATIENCE}'"
"""The condition on a row of `kzopen.mail`: the server may or may not have taken it; only an operator has it sent again."""

_COUNTS = text("SELECT state, count(*) FROM kzopen.mail GROUP BY state ORDER BY state")
_DOUBTFUL = text(f"SELECT id, template, recipient, changed, error FROM kzopen.mail WHERE {IN_DOUBT} ORDER BY id")  # noqa: S608
_WAITING = text(
    """
    SELECT id, template, recipient, changed, error FROM kzopen.mail
    WHERE state = 'queued' AND error IS NOT NULL ORDER BY id LIMIT 20
    """
)
_AGAIN = text(
    f"""
    UPDATE kzopen.mail SET state = 'queued', next_try = now(), changed = now()
    WHERE id = ANY (:ids) AND ({IN_DOUBT}) RETURNING id
    """  # noqa: S608
)
_GIVE_UP = text(
    f"""
    UPDATE kzopen.mail SET state = 'given_up', subject = NULL, text = NULL, changed = now()
    WHERE id = ANY (:ids) AND ({IN_DOUBT}) RETURNING id
    """  # noqa: S608
)
_DOUBT_ALL = text(
    f"""
    UPDATE kzopen.mail SET state = 'sending', changed = now() - 2 * interval '{PATIENCE}', error = :words
    WHERE state = 'queued' RETURNING id
    """  # noqa: S608
)
_RESTORED = "the portal was restored from a backup; the mail may have been sent since"


@dataclass(frozen=True)
class Stuck:
    """A mail that waits or is in doubt: its number, template, address, since when, and the last words about it."""

    id: int
    template: str
    recipient: str
    since: datetime
    words: str


def counts(session: AnySession) -> dict[str, int]:
    """How many mails are in which state; those that were sent are forgotten after 90 days."""
    return {str(state): int(number) for state, number in session.execute(_COUNTS)}


def in_doubt(session: AnySession) -> list[Stuck]:
    """Mails that a server may or may not have taken."""
    return [_stuck(row) for row in session.execute(_DOUBTFUL)]


def failing(session: AnySession) -> list[Stuck]:
    """The oldest mails that wait for another try, with what stood against the last one."""
    return [_stuck(row) for row in session.execute(_WAITING)]


def _stuck(row: Any) -> Stuck:
    return Stuck(row.id, row.template, row.recipient, row.changed, row.error or "the process that sent it has died")


def send_again(session: AnySession, ids: list[int]) -> list[int]:
    """Queue mails in doubt once more; the numbers of those that were. Their readers may get them twice."""
    return list(session.execute(_AGAIN, {"ids": ids}).scalars())


def give_up(session: AnySession, ids: list[int]) -> list[int]:
    """Leave mails in doubt as they are, and erase their text."""
    return list(session.execute(_GIVE_UP, {"ids": ids}).scalars())


def doubt_all(session: AnySession) -> int:
    """In a database restored from a backup: all mails that wait may have been sent since and are in doubt; how many."""
    return len(session.execute(_DOUBT_ALL, {"words": _RESTORED}).scalars().all())

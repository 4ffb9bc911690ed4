"""Taking a thing out of all notices, and a reader out of all lists."""

from __future__ import annotations

from collections.abc import Iterable

from ckanext.kzopen.core.mail.queue import AnySession, withdraw
from sqlalchemy import text

_NEWS = text("UPDATE kzopen.news SET withdrawn = :reason WHERE about = ANY (CAST(:about AS text[])) AND withdrawn IS NULL")
# A stopped digest also told of other things: they come with the next one, whoever stopped it.
_AGAIN = text(
    """
    UPDATE kzopen.notice n SET mailed = NULL FROM kzopen.mail m, kzopen.news w
    WHERE m.state = 'stopped' AND m.about && CAST(:about AS text[]) AND n.mailed = m.once AND n.how = 'daily'
        AND w.id = n.news AND w.about <> ALL (CAST(:about AS text[]))
    """
)
_LEFT = text(
    """
    SELECT EXISTS (SELECT FROM kzopen.news WHERE about = ANY (CAST(:about AS text[])) AND withdrawn IS NULL)
        OR EXISTS (SELECT FROM kzopen.mail WHERE state = 'queued' AND about && CAST(:about AS text[]))
    """
)
_FORGET = (
    text("DELETE FROM kzopen.subscription WHERE reader = :reader"),
    text("DELETE FROM kzopen.notice WHERE reader = :reader"),
    text("DELETE FROM kzopen.notice_feed WHERE reader = :reader"),
)


def take_out(session: AnySession, about: Iterable[str], reason: str) -> int:
    """Take these things out of bell, feeds and unsent mails, in the caller's transaction; how many mails that stopped."""
    things = list(about)
    session.execute(_NEWS, {"about": things, "reason": reason})
    stopped = withdraw(session, things, reason)
    session.execute(_AGAIN, {"about": things})
    return len(stopped)


def is_out(session: AnySession, about: Iterable[str]) -> bool:
    """Whether nothing that is shown or still to be sent tells of these things."""
    return not session.execute(_LEFT, {"about": list(about)}).scalar_one()


def forget_reader(session: AnySession, reader: str) -> None:
    """Delete what a reader follows and was told: the account, or the address, is gone."""
    for statement in _FORGET:
        session.execute(statement, {"reader": reader})

"""Who followed an agency follows its successor."""

from __future__ import annotations

from ckanext.kzopen.core.agencies import ownership
from ckanext.kzopen.core.mail.queue import AnySession
from sqlalchemy import text

# Who follows both already keeps the subscription to the successor.
_TWICE = text(
    """
    DELETE FROM kzopen.subscription s WHERE what = 'agency' AND target = :old AND EXISTS (
        SELECT FROM kzopen.subscription o WHERE o.reader = s.reader AND o.what = 'agency' AND o.target = :new)
    """
)
_MOVE = text("UPDATE kzopen.subscription SET target = :new WHERE what = 'agency' AND target = :old RETURNING id")


def followers(session: AnySession, from_agency: str, to_agency: str) -> int:
    """The followers of an agency go over, all at once; how many."""
    given = {"old": from_agency, "new": to_agency}
    session.execute(_TWICE, given)
    return len(session.execute(_MOVE, given).all())


def register() -> None:
    ownership.register("followers", followers)

"""What one reader sees: the latest notices, how many are unread, marking them as read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import visibility
from ckanext.kzopen.core.notices.sentences import line
from sqlalchemy import text

MOST_COUNTED = 100
SHOWN = 50
_UNSEEN = text(
    """
    SELECT count(*) FROM (SELECT FROM kzopen.notice WHERE reader = :reader AND seen IS NULL LIMIT :most) unseen
    """
)
_LATEST = text(
    """
    SELECT w.id, w.kind, w.about, w.values, w.at, n.seen
    FROM kzopen.notice n JOIN kzopen.news w ON w.id = n.news
    WHERE n.reader = :reader AND w.withdrawn IS NULL ORDER BY n.news DESC LIMIT :limit
    """
)
_PUBLIC = text(
    """
    SELECT id, kind, about, values, at FROM kzopen.news
    WHERE withdrawn IS NULL AND (section = :section OR agencies @> ARRAY[CAST(:agency AS text)])
    ORDER BY id DESC LIMIT :limit
    """
)
_SEEN = text("UPDATE kzopen.notice SET seen = now() WHERE reader = :reader AND seen IS NULL AND news <= :newest")


@dataclass(frozen=True)
class Shown:
    """A notice as its reader sees it; `title` in the language asked for, `link` absolute."""

    news: int
    title: str
    link: str
    at: datetime
    unread: bool


def unread(session: AnySession, reader: str) -> int:
    """How many notices a reader has not seen, at most 100; one look into an index."""
    return int(session.execute(_UNSEEN, {"reader": reader, "most": MOST_COUNTED}).scalar_one())


def latest(session: AnySession, reader: str, language: str) -> list[Shown]:
    """The newest notices of a reader, without those of things that the reader may no longer see."""
    rows = session.execute(_LATEST, {"reader": reader, "limit": SHOWN}).all()
    may = {about: visibility.may_see(session, about, reader) for about in {row.about for row in rows}}
    return [_shown(row, language, row.seen is None) for row in rows if may[row.about]]


def public(session: AnySession, language: str, agency: str | None = None, section: str | None = None) -> list[Shown]:
    """The newest news of an agency and those under it, or of a section, that everybody may read."""
    given = {"agency": agency, "section": section, "limit": SHOWN}
    rows = session.execute(_PUBLIC, given).all()
    may = {about: visibility.may_see(session, about, "") for about in {row.about for row in rows}}
    return [_shown(row, language, False) for row in rows if may[row.about]]


def mark_seen(session: AnySession, reader: str, newest: int) -> None:
    """The reader has seen all notices up to the news of this number."""
    session.execute(_SEEN, {"reader": reader, "newest": newest})


def _shown(row: Any, language: str, is_unread: bool) -> Shown:
    told = line(row, language)
    return Shown(row.id, told.title, told.link, told.at, is_unread)

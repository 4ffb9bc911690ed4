"""The daily digest: one mail a reader with everything since the last one. Set based, in batches, each committed by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from ckanext.kzopen.core.mail.queue import AnySession, Post, queue_many
from ckanext.kzopen.core.notices import visibility
from ckanext.kzopen.core.notices.addresses import mail_addresses, page, settings, unsubscription
from ckanext.kzopen.core.notices.sentences import Line, line
from ckanext.kzopen.core.notices.tables import News
from ckanext.kzopen.core.record import heads
from sqlalchemy import select, text

BATCH = 2000
LONGEST = 100
"""Lines of one digest; what is more is told as "and N more", with the address of the page of notices."""

# Marking and taking is one statement: two digests at a time never take the same notice. Who has an account is written to in
# its language of mails as it is now; an address without one in that of the page where it followed last what this digest tells.
_TAKE = text(
    """
    WITH due AS (
        SELECT DISTINCT reader FROM kzopen.notice WHERE how = 'daily' AND mailed IS NULL ORDER BY reader LIMIT :limit
    ), taken AS (
        UPDATE kzopen.notice n SET mailed = :batch || n.reader FROM due
        WHERE n.reader = due.reader AND n.how = 'daily' AND n.mailed IS NULL
        RETURNING n.reader, n.language, n.subscription, n.news, n.mailed
    )
    SELECT t.reader, array_agg(t.news ORDER BY t.news DESC) AS news, max(t.mailed) AS mailed,
        coalesce(max(a.language), (array_agg(t.language ORDER BY t.subscription DESC NULLS LAST))[1]) AS language
    FROM taken t LEFT JOIN kzopen.account a ON a.user_id = t.reader GROUP BY t.reader
    """
)

_PASS_OVER = text("UPDATE kzopen.notice SET mailed = 'passed over:' || reader WHERE how = 'daily' AND mailed IS NULL")


def pass_over(session: AnySession) -> None:
    """In a database restored from a backup: what the next digest would tell may have been told since; the bell shows it."""
    session.execute(_PASS_OVER)


def compose_all(session: AnySession) -> int:
    """Compose and queue the digests of all readers who have one due; returns how many mails were queued."""
    queued, readers, head = 0, BATCH, newest_head(session)
    while readers:
        readers, mails = compose(session, head)
        queued += mails
    return queued


def newest_head(session: AnySession) -> str:
    """The newest signed head of the public record as JSON in one line, "" for an empty record.

    Each mail carries it out of the portal: `verifier watch` takes it, and finds a record that was rewritten since.
    """
    head = heads.latest(session)
    return json.dumps(heads.as_dict(head)) if head else ""


def compose(session: AnySession, head: str, limit: int = BATCH) -> tuple[int, int]:
    """The digests of at most `limit` readers with this head, committed; how many readers it took, and how many mails that
    made."""
    rows = session.execute(_TAKE, {"limit": limit, "batch": f"digest:{uuid4().hex}:"}).all()
    addresses = mail_addresses(session, [row.reader for row in rows])
    news = _news(session, {number for row in rows for number in row.news})
    allowed = _allowed(session, news.values(), [row.reader for row in rows])
    lines: dict[tuple[int, str], Line] = {}
    posts = []
    for row in rows:
        told = [news[number] for number in row.news if number in news and _may(allowed[news[number].about], row.reader)]
        if told and row.reader in addresses:
            posts.append(_post(row, addresses[row.reader], told, lines, head))
    queue_many(session, posts)
    session.commit()
    return len(rows), len(posts)


def _news(session: AnySession, numbers: set[int]) -> dict[int, News]:
    wanted = select(News).where(News.id.in_(numbers), News.withdrawn.is_(None))
    return {row.id: row for row in session.scalars(wanted)}


def _allowed(session: AnySession, news: Iterable[News], readers: list[str]) -> dict[str, frozenset[str] | None]:
    """Who may see each thing now; what was public when it happened may not be any more."""
    things = {row.about for row in news}
    return {about: visibility.those_who_may(session, about, readers) for about in things}


def _may(allowed: frozenset[str] | None, reader: str) -> bool:
    return allowed is None or reader in allowed


def _post(row: Any, address: str, news: list[News], lines: dict[tuple[int, str], Line], head: str) -> Post:
    shown = [_line(one, row.language, lines) for one in news[:LONGEST]]
    stop = unsubscription(row.reader, None, row.language)
    values: Mapping[str, Any] = {
        "lines": shown,
        "count": len(news),
        "more": len(news) - len(shown),
        "unsubscribe": stop,
        "settings": settings(row.reader, row.language),
        "head": head,
        "record": page("/record", row.language),
    }
    return Post(
        template="notices.digest",
        to=address,
        language=row.language,
        values=values,
        person=None if "@" in row.reader else row.reader,
        unsubscribe=stop,
        once=row.mailed,
        about=tuple({one.about for one in news}),
    )


def _line(news: News, language: str, known: dict[tuple[int, str], Line]) -> Line:
    """The sentence of a piece of news; made once a language, however many readers it has."""
    place = (news.id, language)
    if place not in known:
        known[place] = line(news, language)
    return known[place]

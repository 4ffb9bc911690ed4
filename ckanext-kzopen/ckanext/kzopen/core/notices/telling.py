"""News: one row for what happened, one for each reader who is told; all set based, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ckanext.kzopen.core.agencies import tree
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import searches, visibility
from ckanext.kzopen.core.notices.at_once import queue_mails
from ckanext.kzopen.core.texts import LANGUAGES
from sqlalchemy import text

_NEWS = text(
    """
    INSERT INTO kzopen.news (key, kind, about, agencies, section, values, words)
    VALUES (:key, :kind, :about, CAST(:agencies AS text[]), :section, CAST(:values AS jsonb), to_tsvector('simple', :words))
    ON CONFLICT (key) DO NOTHING RETURNING id
    """
)
_FOLLOWERS = text(
    """
    INSERT INTO kzopen.notice (news, reader, how, language, subscription)
    SELECT DISTINCT ON (s.reader) n.id, s.reader, s.how, s.language, s.id
    FROM kzopen.news n JOIN kzopen.subscription s ON s.confirmed IS NOT NULL AND (
        (s.what = 'thing' AND s.target = n.about)
        OR (s.what = 'agency' AND s.target = ANY (n.agencies))
        OR (s.what = 'section' AND s.target = n.section)
        OR (s.what = 'kind' AND s.target = n.kind)
        OR (s.what = 'words' AND s.query @@ n.words))
    WHERE n.id = :news
    ORDER BY s.reader, array_position(ARRAY['at_once', 'daily', 'feed'], s.how)
    ON CONFLICT DO NOTHING
    """
)
_PEOPLE = text(
    """
    INSERT INTO kzopen.notice (news, reader, how, language, subscription)
    SELECT :news, person, coalesce(s.how, :how), coalesce(s.language, :language), s.id
    FROM unnest(CAST(:people AS text[])) AS person
    LEFT JOIN kzopen.subscription s ON s.reader = person AND s.what = 'personal'
    ON CONFLICT DO NOTHING
    """
)
_READERS = text("SELECT reader FROM kzopen.notice WHERE news = :news")
_KEEP = text("DELETE FROM kzopen.notice WHERE news = :news AND NOT reader = ANY (CAST(:may AS text[]))")


def tell(
    session: AnySession,
    kind: str,
    about: str,
    *,
    key: str,
    values: Mapping[str, Any],
    agency: str | None = None,
    section: str | None = None,
    words: Iterable[str] = (),
    people: Iterable[str] = (),
    how: str = "at_once",
    followers: bool = True,
    begins: bool = False,
    found: tuple[datetime, Sequence[int]] | None = None,
) -> int | None:
    """Tell those who follow `about`, its agency (or one above it), its section, this kind or these words, whose saved
    search finds it, and `people`.

    Nobody is told of what they may not see. The same `key` a second time tells nobody: None instead of the news' number.
    `people` are account ids, told as they wish, and in the way `how` where they have said nothing. `values` fill the template
    `kind`; `link` among them is a path of the portal. `begins`: the thing begins with this, so no saved search tells it to
    whom one has told within a day that there is such a thing. `found`: since when the thing is new, and to which saved
    searches.
    """
    # What is for some people only has no place in the feeds of agencies and sections.
    agencies = [agency, *tree.ancestors(session, agency)] if agency and followers else []
    row = {"key": key, "kind": kind, "about": about, "agencies": agencies, "section": section if followers else None}
    row |= {"values": json.dumps(dict(values), ensure_ascii=False), "words": " ".join(words)}
    news = session.execute(_NEWS, row).scalar()
    if news is None:
        return None
    told = 0
    if concerned := list(people):
        given = {"news": news, "people": concerned, "language": LANGUAGES[0], "how": how}
        told += searches.written(session, _PEOPLE, given)
    if followers:
        told += searches.written(session, _FOLLOWERS, {"news": news})
        told += searches.tell(session, news, about, begins)
    if found:
        told += searches.tell_found(session, news, about, *found)
    if told:  # most news have no reader, and a harvest brings thousands
        _keep_those_who_may(session, news, about)
        queue_mails(session, news)
    return int(news)


def _keep_those_who_may(session: AnySession, news: int, about: str) -> None:
    readers = list(session.execute(_READERS, {"news": news}).scalars())
    may = visibility.those_who_may(session, about, readers) if readers else None
    if may is not None:
        session.execute(_KEEP, {"news": news, "may": sorted(may)})

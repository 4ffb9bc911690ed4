"""Saved searches: subscriptions to whatever fits a search, filters included; `target` is the address of the search.

What an address means, and which things fit it, only the search knows: it says so once with `understood_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import visibility
from sqlalchemy import CursorResult, TextClause, text

WHAT = "search"
LONGEST = 2_000
"""Letters of an address; the index of subscriptions takes no longer ones."""
FOUND = "search.found"
"""The kind of news that a thing newly fits a saved search."""
_SAVED = text(
    """
    SELECT id, reader, target, confirmed FROM kzopen.subscription
    WHERE what = 'search' AND confirmed IS NOT NULL AND target = ANY (CAST(:targets AS text[]))
    """
)
_CANDIDATES = text(
    """
    SELECT target FROM kzopen.subscription
    WHERE what = 'search' AND confirmed IS NOT NULL AND demands && CAST(:offered AS bigint[])
        AND demands_2 && CAST(:offered AS bigint[]) AND demands_3 && CAST(:offered AS bigint[])
    UNION
    SELECT target FROM kzopen.subscription WHERE what = 'search' AND confirmed IS NOT NULL
        AND (meaning IS NULL OR meaning < :meaning OR meaning > :meaning)
    """
)
_SOME_UNREAD = text(
    """
    SELECT DISTINCT target FROM (
        SELECT target FROM kzopen.subscription
        WHERE what = 'search' AND confirmed IS NOT NULL
            AND (meaning IS NULL OR meaning < :meaning OR meaning > :meaning) LIMIT :most) s
    """
)
# Whoever holds a row goes on undisturbed, and waits for nothing here.
_NOTE = text(
    """
    UPDATE kzopen.subscription s SET meaning = :meaning, demands = CAST(:demands AS bigint[]),
        demands_2 = CAST(:demands_2 AS bigint[]), demands_3 = CAST(:demands_3 AS bigint[])
    FROM (SELECT id FROM kzopen.subscription
        WHERE what = 'search' AND confirmed IS NOT NULL AND target = :target
            AND (meaning IS NULL OR meaning < :meaning OR meaning > :meaning)
        FOR NO KEY UPDATE SKIP LOCKED) free
    WHERE s.id = free.id
    """
)
_TELL = text(
    """
    INSERT INTO kzopen.notice (news, reader, how, language, subscription)
    SELECT DISTINCT ON (s.reader) CAST(:news AS bigint), s.reader, s.how, s.language, s.id
    FROM kzopen.subscription s
    WHERE s.what = 'search' AND s.confirmed IS NOT NULL AND s.target = ANY (CAST(:targets AS text[]))
        AND NOT (:begins AND EXISTS (
            SELECT FROM kzopen.notice n JOIN kzopen.news w ON w.id = n.news
            WHERE n.reader = s.reader AND w.about = :about AND w.kind = :found AND w.at > now() - interval '1 day'))
    ORDER BY s.reader, array_position(ARRAY['at_once', 'daily', 'feed'], s.how)
    ON CONFLICT DO NOTHING
    """
)
_TELL_FOUND = text(
    """
    INSERT INTO kzopen.notice (news, reader, how, language, subscription)
    SELECT DISTINCT ON (s.reader) CAST(:news AS bigint), s.reader, s.how, s.language, s.id
    FROM kzopen.subscription s
    WHERE s.id = ANY (CAST(:subscriptions AS bigint[])) AND NOT EXISTS (
        SELECT FROM kzopen.notice n JOIN kzopen.news w ON w.id = n.news
        JOIN kzopen.subscription f ON f.id = n.subscription AND f.what <> 'personal'
        WHERE n.reader = s.reader AND w.about = :about AND w.at >= :since)
    ORDER BY s.reader, array_position(ARRAY['at_once', 'daily', 'feed'], s.how)
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True)
class Searches:
    """`canonical` gives an address its one form ("" when it asks for nothing), `title` its name in languages.

    `fitting` gives the addresses of saved searches that find the thing called `about`; `look` tells of all that newly fits
    some saved search and returns how many things it looked at; `may_see` says who finds a thing, for kinds that nobody spoke
    for.
    """

    canonical: Callable[[str], str]
    title: Callable[[AnySession, str], Mapping[str, Any]]
    fitting: Callable[[AnySession, str], Collection[str]]
    look: Callable[[AnySession], int]
    may_see: Callable[[AnySession, str, frozenset[str]], frozenset[str] | None]


_known: list[Searches] = []


def understood_by(searches: Searches) -> None:
    """Say what addresses of searches mean; the last word counts."""
    _known[:] = [searches]
    visibility.otherwise(searches.may_see)


def canonical(address: str) -> str:
    """The one form of an address; "" when it asks for nothing, or nobody understands it."""
    found = _known[0].canonical(address) if _known else ""
    return found if len(found) <= LONGEST else ""


def title(session: AnySession, address: str) -> Mapping[str, Any] | None:
    """What a saved search is called; None for one that asks for nothing."""
    return _known[0].title(session, address) if _known and canonical(address) else None


def unread(session: AnySession, meaning: int, most: int) -> Sequence[str]:
    """The addresses of some confirmed searches of which nobody has noted yet what they demand, by this meaning."""
    return session.execute(_SOME_UNREAD, {"meaning": meaning, "most": most}).scalars().all()


def note_demands(session: AnySession, meaning: int, demands: Mapping[str, Sequence[list[int]]]) -> int:
    """Keep with each address three lists of numbers, of each of which a thing that fits has one, by this meaning; the
    subscriptions so noted."""
    columns = ("demands", "demands_2", "demands_3")
    rows = ({"target": one, "meaning": meaning, **dict(zip(columns, lists, strict=True))} for one, lists in demands.items())
    return sum(written(session, _NOTE, row) for row in rows)


def candidates(session: AnySession, meaning: int, offered: Sequence[int]) -> Sequence[str]:
    """The addresses of the confirmed searches that demand nothing but these numbers, or of which it is not noted yet."""
    return session.execute(_CANDIDATES, {"meaning": meaning, "offered": list(offered)}).scalars().all()


def saved(session: AnySession, addresses: Sequence[str]) -> Sequence[Any]:
    """The confirmed subscriptions to these searches: id, reader, target, confirmed."""
    return session.execute(_SAVED, {"targets": list(addresses)}).all()


def look(session: AnySession) -> int:
    """Tell of all that newly fits some saved search; how many things were looked at."""
    return _known[0].look(session) if _known else 0


def tell_found(session: AnySession, news: int, about: str, since: datetime, subscriptions: Sequence[int]) -> int:
    """Tell this news by these saved searches; not to whom anything that they follow has told of the thing since then.

    How many were told.
    """
    given = {"news": news, "about": about, "since": since, "subscriptions": list(subscriptions)}
    return written(session, _TELL_FOUND, given)


def tell(session: AnySession, news: int, about: str, begins: bool) -> int:
    """Tell this news to those whose saved search finds the thing; how many.

    Where the thing `begins` with it, not to whom a saved search has told within a day that there is such a thing.
    """
    fitting = sorted(_known[0].fitting(session, about)) if _known else []
    given = {"news": news, "about": about, "targets": fitting, "begins": begins, "found": FOUND}
    return written(session, _TELL, given) if fitting else 0


def written(session: AnySession, statement: TextClause, given: Mapping[str, Any]) -> int:
    """Execute the statement; how many rows it wrote."""
    return cast("CursorResult[Any]", session.execute(statement, given)).rowcount

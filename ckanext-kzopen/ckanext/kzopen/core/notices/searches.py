"""Saved searches: subscriptions to whatever fits a search, filters included; `target` is the address of the search.

What an address means, and which things fit it, only the search knows: it says so once with `understood_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.core.mail.queue import AnySession
from sqlalchemy import text

WHAT = "search"
LONGEST = 2_000
"""Letters of an address; the index of subscriptions takes no longer ones."""
_ASKED = text("SELECT DISTINCT target FROM kzopen.subscription WHERE what = 'search' AND confirmed IS NOT NULL")
_TELL = text(
    """
    INSERT INTO kzopen.notice (news, reader, how, language, subscription)
    SELECT DISTINCT ON (s.reader) CAST(:news AS bigint), s.reader, s.how, s.language, s.id
    FROM kzopen.subscription s
    WHERE s.what = 'search' AND s.confirmed IS NOT NULL AND s.target = ANY (CAST(:targets AS text[]))
    ORDER BY s.reader, array_position(ARRAY['at_once', 'daily', 'feed'], s.how)
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True)
class Searches:
    """`canonical` gives an address its one form ("" when it asks for nothing), `title` its name in languages.

    `fitting` gives those of the addresses that find the thing called `about`.
    """

    canonical: Callable[[str], str]
    title: Callable[[AnySession, str], Mapping[str, Any]]
    fitting: Callable[[AnySession, Sequence[str], str], Collection[str]]


_known: list[Searches] = []


def understood_by(searches: Searches) -> None:
    """Say what addresses of searches mean; the last word counts."""
    _known[:] = [searches]


def canonical(address: str) -> str:
    """The one form of an address; "" when it asks for nothing, or nobody understands it."""
    found = _known[0].canonical(address) if _known else ""
    return found if len(found) <= LONGEST else ""


def title(session: AnySession, address: str) -> Mapping[str, Any] | None:
    """What a saved search is called; None for one that asks for nothing."""
    return _known[0].title(session, address) if _known and canonical(address) else None


def tell(session: AnySession, news: int, about: str) -> None:
    """Tell this news to those whose saved search finds the thing."""
    asked = list(session.execute(_ASKED).scalars()) if _known else []
    found = sorted(_known[0].fitting(session, asked, about)) if asked else []
    if found:
        session.execute(_TELL, {"news": news, "targets": found})

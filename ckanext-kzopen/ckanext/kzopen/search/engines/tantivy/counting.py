"""Facets: how many hits have each value of a field.

Counting walks over all hits, and the lists that people look at most (everything, an agency's, the next page of the same
question) have many; so counts are kept until the next commit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from operator import itemgetter
from typing import Any

import tantivy
from ckanext.kzopen.search import fields
from ckanext.kzopen.search.engines.base import Facet, Search
from ckanext.kzopen.search.engines.tantivy.compile import column
from ckanext.kzopen.search.engines.tantivy.kept import Kept, depends_on_the_hour
from ckanext.kzopen.search.threads import threads
from tantivy import Query

Counts = dict[str, list[tuple[str, int]]]

_ALL_VALUES = 65_000
"""Values of a facet that each segment reports; with fewer, counts over several segments would be wrong."""
_ALL_IN_ORDER = {"size": _ALL_VALUES, "segment_size": _ALL_VALUES, "order": {"_key": "asc"}}
_count = itemgetter("doc_count")
_value_and_count = itemgetter("key", "doc_count")
_AT_ONCE = 4
_FEW_HITS = 2_000
"""To count these takes less than to hand the work over and be handed the result, and on a busy machine much less."""
_MOST_KEPT = 500
"""Questions whose counts are kept."""


class KeptCounts:
    """Counts of the questions asked last, of one state of the index."""

    def __init__(self) -> None:
        self._counts: Kept[Counts] = Kept(_MOST_KEPT)

    def of(self, state: Hashable, search: Search, hits: int, count: Callable[[], Counts]) -> Callable[[], Counts]:
        """Gives the facets of the search, which has so many hits in this state of the index, when it is called.

        Unless they are known, `count` finds them. For many hits it does so meanwhile in a thread of its own: tantivy works
        without Python's lock, and the documents of the page have to be unpacked anyway. For few that is not worth a thread.
        """
        if not search.facets:
            return dict
        if depends_on_the_hour(search):
            return _begun(hits, count)
        asked = (search.query, search.filters, search.labels, search.facets)
        known = self._counts.of(state, asked)
        if known is not None:
            return lambda: _copied(known)
        found = _begun(hits, count)
        return lambda: _copied(self._counts.keep(state, asked, found()))


def _begun(hits: int, count: Callable[[], Counts]) -> Callable[[], Counts]:
    return threads("facets", _AT_ONCE).submit(count).result if hits > _FEW_HITS else count


def _copied(counts: Counts) -> Counts:
    """The lists are the caller's own."""
    return {name: list(values) for name, values in counts.items()}


def counted(searcher: tantivy.Searcher, query: Query, facets: tuple[Facet, ...]) -> Counts:
    """The facets of all hits of the query; none of a field that nobody counts."""
    asked = _asked(facets)
    found = searcher.aggregate(query, asked) if asked else {}
    return {facet.field: _counts(found[facet.field]["buckets"], facet) if facet.field in found else [] for facet in facets}


@lru_cache(maxsize=500)
def _asked(facets: tuple[Facet, ...]) -> dict[str, Any]:
    """What tantivy is asked for these facets, by their names."""
    known = [facet.field for facet in facets if facet.field not in fields.UNCOUNTED]
    return {field: {"terms": {"field": column(field), **_ALL_IN_ORDER}} for field in known}


def _counts(buckets: list[dict[str, Any]], facet: Facet) -> list[tuple[str, int]]:
    """Most frequent first, equal ones by value: so tantivy gives them, and sorting keeps their order."""
    first = sorted(buckets, key=_count, reverse=True)[: facet.limit]
    return [(str(value), count) for value, count in map(_value_and_count, first) if count >= facet.minimum]

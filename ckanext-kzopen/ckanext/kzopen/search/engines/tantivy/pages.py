"""The pages behind the first one of a list.

Whoever leafs through a list asks the same question again and again, and the further behind, the more hits have to be put in
order for a page. So the order of the first hits is kept until the next commit, and a page is cut out of it. The first page,
which most questions end with, is not slowed down for that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import tantivy
from ckanext.kzopen.search.engines.base import Search
from ckanext.kzopen.search.engines.tantivy import ordering
from ckanext.kzopen.search.engines.tantivy.kept import Kept, depends_on_the_hour
from ckanext.kzopen.search.engines.tantivy.ordering import Hit
from tantivy import Query

_MOST_KEPT = 20
"""Lists."""
_LEAST, _LONGEST = 200, 2_000
"""Hits of a list that are put in order at once, and that are kept at most."""


@dataclass(frozen=True)
class Page:
    """The number of hits in all, those of the page, and the searcher that knows their addresses."""

    searcher: tantivy.Searcher
    count: int
    hits: list[Hit]


class KeptPages:
    """The order of the lists that somebody leafs through, of one state of the index."""

    def __init__(self) -> None:
        self._lists: Kept[Page] = Kept(_MOST_KEPT)

    def page(self, state: object, searcher: tantivy.Searcher, query: Query, search: Search) -> Page:
        """The hits from `start` on, at most `rows`, in this state of the index."""
        end = search.start + search.rows
        asked = (search.query, search.filters, search.labels, search.sort)
        known = self._lists.of(state, asked)
        # The first page of a list that is kept is cut out of it, too: no hit falls between two pages.
        if (search.start == 0 and known is None) or end > _LONGEST or depends_on_the_hour(search):
            return Page(searcher, *ordering.page(searcher, query, search))
        if known is None or len(known.hits) < min(end, known.count):
            ahead = replace(search, start=0, rows=min(max(2 * end, _LEAST), _LONGEST))
            known = self._lists.keep(state, asked, Page(searcher, *ordering.page(searcher, query, ahead)))
        return replace(known, hits=known.hits[search.start : end])

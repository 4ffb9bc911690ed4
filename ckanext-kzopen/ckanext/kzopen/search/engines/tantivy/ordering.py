"""A page of hits in the order of several keys, though tantivy orders by one."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Any

import tantivy
from ckanext.kzopen.search import fields, ranking
from ckanext.kzopen.search.engines.base import Search, Sort
from ckanext.kzopen.search.engines.tantivy.schema import INTEGERS, order_field
from tantivy import Order, Query

Hit = tuple[float | None, Any]
"""Score, if the order has one, and the address of a document."""
_value = itemgetter(0)

_EQUAL = 60
"""Hits behind the page that are asked for at once, as some of them are often equal to its last: cheaper than asking again."""


def page(searcher: tantivy.Searcher, query: Query, search: Search) -> tuple[int, list[Hit]]:
    """The number of hits in all, and those from `start` on, at most `rows`; documents without a key come last.

    The first key is tantivy's; where documents that are equal in it reach into the page, they are ordered by the next keys.
    Equal documents keep the order of the index.
    """
    keys = ranking.effective(search)
    if not keys:
        found: Any = searcher.search(query, limit=search.rows, offset=search.start)
        return found.count, list(found.hits)
    first, *rest = keys
    end = search.start + search.rows
    found = _ordered(searcher, query, first, end + _EQUAL if rest else end)
    hits = list(found.hits)
    while rest and end < len(hits) < found.count and hits[end - 1][0] == hits[-1][0]:
        hits = list(_ordered(searcher, query, first, min(4 * len(hits), found.count)).hits)
    if rest:
        hits = _break_ties(searcher, query, hits, rest, search.start, end)
    scored = first.field == fields.SCORE
    return found.count, [(value if scored else None, at) for value, at in hits[search.start : end]]


def _target(field: str) -> str:
    return order_field(field) if field in fields.SORTED_KEYWORDS else field


def _ordered(searcher: tantivy.Searcher, query: Query, key: Sort, limit: int) -> Any:
    order = Order.Desc if key.descending else Order.Asc
    if key.field != fields.SCORE:
        return searcher.search(query, limit=max(1, limit), order_by_field=_target(key.field), order=order)
    if key.descending:
        return searcher.search(query, limit=max(1, limit))
    return _worst_first(searcher, query)


class _Reversed:
    """tantivy knows no ascending score: all hits, turned round."""

    def __init__(self, found: Any) -> None:
        self.count = found.count
        self.hits = list(reversed(found.hits))


def _worst_first(searcher: tantivy.Searcher, query: Query) -> _Reversed:
    return _Reversed(searcher.search(query, limit=max(1, searcher.num_docs)))


def _break_ties(
    searcher: tantivy.Searcher, query: Query, hits: list[Any], rest: list[Sort], start: int, end: int
) -> list[Any]:
    """The hits up to the end of the page, every run of equal ones that reaches into it ordered by the further keys."""
    places = _Places(searcher, query)
    ordered: list[Any] = []
    for _same, run in groupby(hits, key=_value):
        begins = len(ordered)
        if begins >= end:
            break
        equal = list(run)
        if len(equal) > 1 and begins + len(equal) > start:
            columns = [places.of(key, [address for _score, address in equal]) for key in rest]
            rows = sorted(zip(*columns, range(len(equal)), strict=True))
            equal = [equal[row[-1]] for row in rows]
        ordered.extend(equal)
    return ordered


class _Places:
    """Where documents stand by one key: numbers come from tantivy's columns, names from an order of all hits."""

    def __init__(self, searcher: tantivy.Searcher, query: Query) -> None:
        self._searcher = searcher
        self._query = query
        self._ranks: dict[Sort, dict[tuple[int, int], int]] = {}

    def of(self, key: Sort, addresses: list[Any]) -> list[Any]:
        """Something comparable for each document; those without a value come last."""
        if key.field in INTEGERS:
            sign = -1 if key.descending else 1
            values = self._searcher.fast_field_values(key.field, addresses)
            return [(value is None, sign * (value or 0)) for value in values]
        ranks = self._ranks.setdefault(key, {}) or self._ranked(key)
        return [ranks[address.segment_ord, address.doc] for address in addresses]

    def _ranked(self, key: Sort) -> dict[tuple[int, int], int]:
        """The rank of every hit; equal values have one rank."""
        ordered = _ordered(self._searcher, self._query, key, self._searcher.num_docs).hits
        ranks = self._ranks[key]
        for number, (_same, run) in enumerate(groupby(ordered, key=_value)):
            ranks.update({(at.segment_ord, at.doc): number for _v, at in run})
        return ranks

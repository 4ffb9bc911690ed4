"""Answer questions from the index of the current generation."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import tantivy
from ckanext.kzopen.search import visibility
from ckanext.kzopen.search.engines.base import Answer, Facet, Search
from ckanext.kzopen.search.engines.tantivy import folder, ordering
from ckanext.kzopen.search.engines.tantivy.compile import Compiler, keyword_path
from ckanext.kzopen.search.engines.tantivy.panics import as_engine_errors
from ckanext.kzopen.search.engines.tantivy.schema import prepared, schema, stored_of
from ckanext.kzopen.search.tree import All
from tantivy import Occur, Query

_ALL_VALUES = 65_000
"""Values of a facet that each segment reports; with fewer, counts over several segments would be wrong."""


class TantivyReader:
    """Opens the index when first asked, and again when a rebuild has put another in its place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._opened: tuple[Path, int, tantivy.Index] | None = None

    def search(self, search: Search) -> Answer:
        """One page of hits, their number, and the facets; sees everything that was committed before the call."""
        with as_engine_errors():
            index = self._index()
            index.reload()
            return _answer(index, search)

    def hashes(self) -> dict[str, int]:
        """The content hash of every document by key."""
        with as_engine_errors():
            index = self._index()
            index.reload()
            searcher = index.searcher()
            everything = Query.all_query()
            hits = searcher.search(everything, limit=max(1, searcher.num_docs), order_by_field="key").hits
            return dict(zip((key for key, _at in hits), _hashes(searcher, hits), strict=True))

    def _index(self) -> tantivy.Index:
        generation = folder.current(self._root)
        opened = self._opened
        # A forked child opens the index for itself.
        if opened is None or opened[:2] != (generation, os.getpid()):
            with self._lock:
                opened = (generation, os.getpid(), prepared(tantivy.Index(schema(), path=str(generation))))
                self._opened = opened
        return opened[2]


def _hashes(searcher: tantivy.Searcher, hits: list[tuple[Any, Any]]) -> list[int]:
    return [int(value or 0) for value in searcher.fast_field_values("hash", [address for _key, address in hits])]


def _answer(index: tantivy.Index, search: Search) -> Answer:
    searcher = index.searcher()
    query = _restricted(Compiler(index), search)
    facets = _facets(searcher, query, search.facets)
    if search.rows <= 0:
        found: Any = searcher.search(query, limit=1)  # tantivy panics at a limit of 0
        return Answer(found.count, [], facets)
    hits, addresses = ordering.page(searcher, query, search)
    documents = [_document(searcher, address, score, search.wanted) for score, address in addresses]
    return Answer(hits, documents, facets)


def _document(searcher: tantivy.Searcher, address: Any, score: float | None, wanted: frozenset[str] | None) -> dict[str, Any]:
    shown = stored_of(searcher.doc(address), wanted)
    if score is not None and (wanted is None or "score" in wanted):
        shown["score"] = score
    return shown


def _restricted(compiler: Compiler, search: Search) -> Query:
    """The one place where permissions enter a query."""
    clauses = [(Occur.Must, compiler.query(search.query))]
    clauses += [(Occur.Must, compiler.condition(condition)) for condition in search.filters if not isinstance(condition, All)]
    visible = visibility.condition(search.labels)
    if not isinstance(visible, All):
        clauses.append((Occur.Must, compiler.condition(visible)))
    return clauses[0][1] if len(clauses) == 1 else Query.boolean_query(clauses)


def _facets(searcher: tantivy.Searcher, query: Query, facets: tuple[Facet, ...]) -> dict[str, list[tuple[str, int]]]:
    if not facets:
        return {}
    asked = {
        str(place): {"terms": {"field": keyword_path(facet.field), "size": _ALL_VALUES, "segment_size": _ALL_VALUES}}
        for place, facet in enumerate(facets)
    }
    counted = searcher.aggregate(query, asked)
    return {facet.field: _counts(counted[str(place)]["buckets"], facet) for place, facet in enumerate(facets)}


def _counts(buckets: list[dict[str, Any]], facet: Facet) -> list[tuple[str, int]]:
    """Most frequent first, equal ones by value."""
    counts = [(str(bucket["key"]), int(bucket["doc_count"])) for bucket in buckets if bucket["doc_count"] >= facet.minimum]
    counts.sort(key=lambda pair: (-pair[1], pair[0]))
    return counts if facet.limit is None else counts[: facet.limit]

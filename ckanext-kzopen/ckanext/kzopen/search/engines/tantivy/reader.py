"""Answer questions from the index of the current generation."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import tantivy
from ckanext.kzopen.search.engines.base import Answer, Search
from ckanext.kzopen.search.engines.tantivy import counting, folder, ordering
from ckanext.kzopen.search.engines.tantivy.compile import Compiler
from ckanext.kzopen.search.engines.tantivy.panics import as_engine_errors
from ckanext.kzopen.search.engines.tantivy.schema import prepared, schema, stored_of
from ckanext.kzopen.search.tree import All
from tantivy import Occur, Query

_KEPT = 60.0
"""Seconds for which counts of an index that did not change are kept: a document may become visible meanwhile."""


class TantivyReader:
    """Opens the index when first asked, and again when a rebuild has put another in its place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._opened: tuple[Path, int, tantivy.Index] | None = None
        self._seen: tuple[int, int] | None = None
        self._counts = counting.KeptCounts()

    def search(self, search: Search) -> Answer:
        """One page of hits, their number, and the facets; sees everything that was committed before the call."""
        with as_engine_errors():
            index, state = self._index()
            searcher = index.searcher()
            query = _restricted(Compiler(index), search)
            moment = (state, time.time() // _KEPT)
            facets = self._counts.of(moment, search, lambda: counting.counted(searcher, query, search.facets))
            hits, documents = _page(searcher, query, search)
            return Answer(hits, documents, facets())

    def hashes(self) -> dict[str, int]:
        """The content hash of every document by key."""
        with as_engine_errors():
            searcher = self._index()[0].searcher()
            everything = Query.all_query()
            hits = searcher.search(everything, limit=max(1, searcher.num_docs), order_by_field="key").hits
            return dict(zip((key for key, _at in hits), _hashes(searcher, hits), strict=True))

    def _index(self) -> tuple[tantivy.Index, tuple[int, int]]:
        """The index as it was committed last, and its state: a commit puts another `meta.json` in place of the old one."""
        generation = folder.current(self._root)
        state = folder.state(generation)
        index = self._open(generation)
        if state != self._seen:
            index.reload()
            self._seen = state
        return index, state

    def _open(self, generation: Path) -> tantivy.Index:
        opened = self._opened
        # A forked child opens the index for itself.
        if opened is None or opened[:2] != (generation, os.getpid()):
            with self._lock:
                opened = (generation, os.getpid(), prepared(tantivy.Index(schema(), path=str(generation))))
                self._opened = opened
        return opened[2]


def _hashes(searcher: tantivy.Searcher, hits: list[tuple[Any, Any]]) -> list[int]:
    return [int(value or 0) for value in searcher.fast_field_values("hash", [address for _key, address in hits])]


def _page(searcher: tantivy.Searcher, query: Query, search: Search) -> tuple[int, list[dict[str, Any]]]:
    """The number of hits, and the documents of the page."""
    if search.rows <= 0:
        found: Any = searcher.search(query, limit=1)  # tantivy panics at a limit of 0
        return found.count, []
    hits, addresses = ordering.page(searcher, query, search)
    return hits, [_document(searcher, address, score, search.wanted) for score, address in addresses]


def _document(searcher: tantivy.Searcher, address: Any, score: float | None, wanted: frozenset[str] | None) -> dict[str, Any]:
    shown = stored_of(searcher.doc(address), wanted)
    if score is not None and (wanted is None or "score" in wanted):
        shown["score"] = score
    return shown


def _restricted(compiler: Compiler, search: Search) -> Query:
    """The one place where permissions enter a query."""
    clauses = [(Occur.Must, compiler.query(search.query))]
    clauses += [(Occur.Must, compiler.condition(condition)) for condition in search.filters if not isinstance(condition, All)]
    clauses += compiler.visible(search.labels)
    return clauses[0][1] if len(clauses) == 1 else Query.boolean_query(clauses)

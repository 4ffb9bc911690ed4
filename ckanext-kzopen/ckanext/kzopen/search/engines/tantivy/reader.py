"""Answer questions from the index of the current generation."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tantivy
from ckanext.kzopen.search import fields
from ckanext.kzopen.search.engines.base import Answer, Search
from ckanext.kzopen.search.engines.tantivy import counting, folder
from ckanext.kzopen.search.engines.tantivy.compile import Compiler
from ckanext.kzopen.search.engines.tantivy.leaving import Leaving
from ckanext.kzopen.search.engines.tantivy.pages import KeptPages, Page
from ckanext.kzopen.search.engines.tantivy.panics import as_engine_errors
from ckanext.kzopen.search.engines.tantivy.schema import prepared, stored_of
from ckanext.kzopen.search.tree import All
from tantivy import Occur, Query

_KEPT = 60.0
"""Seconds for which counts and orders of an index that did not change are kept: a document may become visible meanwhile."""


@dataclass
class Opened:
    """An index as one process has it open; `seen` is the state that it was read in, None before it was asked for the first."""

    generation: Path
    process: int
    index: tantivy.Index
    leaving: Leaving = field(default_factory=Leaving)
    seen: tuple[int, int] | None = None


class TantivyReader:
    """Opens the index when first asked, and again when a rebuild has put another in its place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._opened: Opened | None = None
        self._counts = counting.KeptCounts()
        self._pages = KeptPages()

    def search(self, search: Search) -> Answer:
        """One page of hits, their number, and the facets; sees everything that was committed before the call."""
        with as_engine_errors():
            index, state = self._index()
            searcher = index.searcher()
            query = _restricted(Compiler(index), search)
            moment = (state, time.time() // _KEPT)
            page = self._pages.page(moment, searcher, query, search) if search.rows > 0 else _no_page(searcher, query)
            facets = self._counts.of(moment, search, page.count, lambda: counting.counted(searcher, query, search.facets))
            return Answer(page.count, _documents(page, search.wanted), facets())

    def hashes(self) -> dict[str, int]:
        """The content hash of every document by key."""
        with as_engine_errors():
            searcher = self._index()[0].searcher()
            everything = Query.all_query()
            hits = searcher.search(everything, limit=max(1, searcher.num_docs), order_by_field="key").hits
            return dict(zip((key for key, _at in hits), _hashes(searcher, hits), strict=True))

    def _index(self) -> tuple[tantivy.Index, tuple[int, int]]:
        """The index as it was committed last, and its state: a commit puts another `meta.json` in place of the old one."""
        opened = self._opened
        seen = opened.seen if opened is not None and opened.process == os.getpid() else None
        if opened is not None and seen is not None and folder.is_still(self._root, seen):
            return opened.index, seen  # most questions come to an index that has not changed
        generation, state = folder.current_state(self._root)
        opened = self._open(generation)
        if state != opened.seen:
            opened.leaving.hold(opened.index.searcher())
            opened.index.reload()
            opened.seen = state
        return opened.index, state

    def _open(self, generation: Path) -> Opened:
        opened = self._opened
        if not _is_open(opened, generation):
            with self._lock:
                opened = self._opened
                if not _is_open(opened, generation):
                    opened = Opened(generation, os.getpid(), prepared(tantivy.Index.open(str(generation))))
                    self._opened = opened
        assert opened is not None  # noqa: S101 - opened above
        return opened


def _is_open(opened: Opened | None, generation: Path) -> bool:
    """A forked child opens the index for itself."""
    return opened is not None and opened.generation == generation and opened.process == os.getpid()


def _hashes(searcher: tantivy.Searcher, hits: list[tuple[Any, Any]]) -> list[int]:
    return [int(value or 0) for value in searcher.fast_field_values("hash", [address for _key, address in hits])]


def _no_page(searcher: tantivy.Searcher, query: Query) -> Page:
    """The number of hits only."""
    found: Any = searcher.search(query, limit=1)  # tantivy panics at a limit of 0
    return Page(searcher, found.count, [])


def _documents(page: Page, wanted: frozenset[str] | None) -> list[dict[str, Any]]:
    documents = [stored_of(page.searcher.doc(address), wanted) for _score, address in page.hits]
    if wanted is None or fields.SCORE in wanted:
        for shown, (score, _address) in zip(documents, page.hits, strict=True):
            if score is not None:
                shown[fields.SCORE] = score
    return documents


def _restricted(compiler: Compiler, search: Search) -> Query:
    """The one place where permissions enter a query."""
    clauses = [(Occur.Must, compiler.query(search.query))]
    clauses += [(Occur.Must, compiler.condition(condition)) for condition in search.filters if not isinstance(condition, All)]
    clauses += compiler.visible(search.labels, among_all=isinstance(search.query, All))
    return clauses[0][1] if len(clauses) == 1 else Query.boolean_query(clauses)

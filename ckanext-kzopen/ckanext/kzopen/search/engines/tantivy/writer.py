"""Change the index: the one process that holds the lock does it."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import tantivy
from ckanext.kzopen.search.engines.base import EngineError, Entry
from ckanext.kzopen.search.engines.tantivy import folder
from ckanext.kzopen.search.engines.tantivy.panics import as_engine_errors
from ckanext.kzopen.search.engines.tantivy.runs import MOST, Runs
from ckanext.kzopen.search.engines.tantivy.schema import prepared, schema, tantivy_document

log = logging.getLogger(__name__)

_MEMORY = 20_000_000
"""Bytes of the writer's buffer; tantivy takes no less than 15 MB."""
_MEMORY_TO_BUILD = 200_000_000
"""The same for a new index: every segment more is a merge more."""
_SMALL = 1_000
"""Entries for which one thread is enough; they keep their order."""
_MOST_THREADS = 4
_FEW_SEGMENTS = 2
"""Segments that a new index may keep: every question looks into each."""


class TantivyWriter:
    """Writes the current generation; raises EngineError at the start when there is none or it is damaged.

    `new` is for one that has been written this moment: its files need not be read.
    """

    def __init__(self, root: Path, new: bool = False) -> None:
        self._root = root
        generation = folder.current(root)
        broken = [] if new else folder.damaged(generation)
        if broken:
            raise EngineError(f"files of the search index are damaged: {', '.join(broken)}")
        with as_engine_errors():
            self._writer = _open(generation)
        self._generation = generation
        self._runs = Runs()
        self._put: set[str] = set()

    def companions(self, keys: Sequence[str]) -> list[str]:
        """What lies in small segments that are to be one with these documents."""
        return self._runs.joined(keys, folder.small_segments(self._generation))

    def put(self, entries: Iterable[Entry]) -> None:
        """Add documents, replacing those with the same keys."""
        with as_engine_errors():
            for entry in entries:
                self._writer.delete_documents_by_term("key", entry.key)
                _add(self._writer, entry)
                self._put.add(entry.key)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove documents; unknown keys are ignored."""
        with as_engine_errors():
            for key in keys:
                self._writer.delete_documents_by_term("key", key)
        self._runs.forget(keys)
        self._put.difference_update(keys)

    def commit(self) -> None:
        """Make what was put and removed durable; readers see it at their next question."""
        with as_engine_errors():
            self._writer.commit()
        self._runs.written(self._put)
        self._put = set()

    def close(self) -> None:
        """Give the lock of the folder free, after merges have ended."""
        with as_engine_errors():
            self._writer.wait_merging_threads()


def rebuilt(root: Path, entries: Iterator[Entry]) -> tuple[TantivyWriter, int]:
    """A writer on a new generation that holds just these entries, and their number; whatever lay there before is dropped."""
    with as_engine_errors():
        writer, count = _build(root, entries)
        writer.wait_merging_threads()
    return TantivyWriter(root, new=True), count


def _build(root: Path, entries: Iterator[Entry]) -> tuple[tantivy.IndexWriter, int]:
    generation = _empty(root)
    first = list(islice(entries, _SMALL))
    threads = min(os.cpu_count() or 1, _MOST_THREADS) if len(first) == _SMALL else 1
    writer = _open(generation, _MEMORY_TO_BUILD, threads)
    count = 0
    latest: deque[Entry] = deque(maxlen=MOST)
    for count, entry in enumerate(chain(first, entries), 1):  # noqa: B007
        _add(writer, entry)
        latest.append(entry)
    writer.commit()
    folder.switch(root, generation)
    folder.sweep(root)
    _unite(writer, generation, latest)
    return writer, count


def _unite(writer: tantivy.IndexWriter, generation: Path, entries: Iterable[Entry]) -> None:
    """Have tantivy merge the small segments that building has left, by as many commits of one document as make them enough."""
    if folder.segments(generation) <= _FEW_SEGMENTS:
        return
    for entry in entries:
        if not 1 < folder.small_segments(generation) <= MOST:
            break
        writer.delete_documents_by_term("key", entry.key)
        _add(writer, entry)
        writer.commit()


def _empty(root: Path) -> Path:
    """A new generation, whose index has no documents yet and will store them as they are given."""
    generation = folder.fresh(root)
    tantivy.Index(schema(), path=str(generation))  # writes the files of an index
    folder.store_as_given(generation)
    return generation


def _add(writer: tantivy.IndexWriter, entry: Entry) -> None:
    """A document that tantivy refuses is left out and logged: it must not hold up all others."""
    try:
        writer.add_document(tantivy_document(entry))
    except (ValueError, TypeError, KeyError):
        log.exception("the document %s cannot be indexed", entry.key)


def _open(generation: Path, memory: int = _MEMORY, threads: int = 1) -> tantivy.IndexWriter:
    index = prepared(tantivy.Index(schema(), path=str(generation)))
    return index.writer(heap_size=memory, num_threads=threads)

"""Change the index: the one process that holds the lock does it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ckanext.kzopen.search.engines.base import Entry
from ckanext.kzopen.search.engines.elastic import indexes
from ckanext.kzopen.search.engines.elastic.address import Address
from ckanext.kzopen.search.engines.elastic.client import WRITING, client
from ckanext.kzopen.search.engines.elastic.errors import as_engine_errors
from ckanext.kzopen.search.engines.elastic.mapping import elastic_document
from elasticsearch import Elasticsearch
from elasticsearch.helpers import BulkIndexError, streaming_bulk

log = logging.getLogger(__name__)

Action = dict[str, Any]
_AT_ONCE = 500
_LARGEST = 10_000_000  # bytes of one request
_TRIES = 5


class ElasticWriter:
    """Writes the index that counts; raises EngineError at the start when there is none."""

    def __init__(self, address: Address) -> None:
        with as_engine_errors():
            self._elastic = client(address, WRITING)
            self._index = indexes.current(self._elastic, address.prefix)
            indexes.replicate(self._elastic, self._index, address.replicas)
        self._waiting: list[Action] = []

    def companions(self, keys: Sequence[str]) -> list[str]:
        """None: Elasticsearch looks after its segments by itself."""
        return []

    def put(self, entries: Iterable[Entry]) -> None:
        """Add documents, replacing those with the same keys."""
        self._waiting.extend(_written(entry) for entry in entries)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove documents; unknown keys are ignored."""
        self._waiting.extend({"_op_type": "delete", "_id": key} for key in keys)

    def commit(self) -> None:
        """Make what was put and removed durable and visible."""
        waiting, self._waiting = self._waiting, []
        with as_engine_errors():
            send(self._elastic, self._index, waiting)
            self._elastic.indices.refresh(index=self._index)

    def close(self) -> None:
        """Nothing is held."""


def rebuilt(address: Address, entries: Iterator[Entry]) -> tuple[ElasticWriter, int]:
    """A writer on a new index that holds just these entries, and their number; the old one answers until it is complete."""
    with as_engine_errors():
        elastic = client(address, WRITING)
        name = indexes.fresh(elastic, address)
        count = send(elastic, name, (_written(entry) for entry in entries))
        elastic.indices.refresh(index=name)
        indexes.switch(elastic, address.prefix, name)
        indexes.sweep(elastic, address.prefix, name)
    return ElasticWriter(address), count


def _written(entry: Entry) -> Action:
    return {"_op_type": "index", "_id": entry.key, "_source": elastic_document(entry)}


def send(elastic: Elasticsearch, index: str, actions: Iterable[Action]) -> int:
    """Send changes; the number of documents that were taken.

    A document that Elasticsearch refuses is left out and logged: it must not hold up all others. One that it had no room or
    time for is tried again, and then raises BulkIndexError.
    """
    taken = 0
    options: dict[str, Any] = {
        "chunk_size": _AT_ONCE,
        "max_chunk_bytes": _LARGEST,
        "max_retries": _TRIES,
        "raise_on_error": False,
    }
    for ok, told in streaming_bulk(elastic, actions, index=index, initial_backoff=0.2, max_backoff=5, **options):
        taken += ok
        if not ok:
            _look_at(told)
    return taken


def _look_at(told: dict[str, Any]) -> None:
    (operation, answer), *_ = told.items()
    if operation == "delete" and answer.get("status") == 404:
        return
    if answer.get("status", 500) == 400:
        log.error("the document %s cannot be indexed: %s", answer.get("_id"), answer.get("error"))
        return
    raise BulkIndexError("Elasticsearch did not take a document", [told])

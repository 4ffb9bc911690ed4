"""Elasticsearch as the rest of search sees it."""

from __future__ import annotations

from collections.abc import Iterator

from ckanext.kzopen.search.engines.base import EngineAway, EngineError, Entry
from ckanext.kzopen.search.engines.elastic import indexes
from ckanext.kzopen.search.engines.elastic.address import Address
from ckanext.kzopen.search.engines.elastic.client import client
from ckanext.kzopen.search.engines.elastic.errors import as_engine_errors
from ckanext.kzopen.search.engines.elastic.reader import ElasticReader
from ckanext.kzopen.search.engines.elastic.writer import ElasticWriter, rebuilt


class ElasticEngine:
    """The indexes whose names begin with the address's prefix."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def reader(self) -> ElasticReader:
        """For questions."""
        return ElasticReader(self._address)

    def writer(self) -> ElasticWriter:
        """For changes; raises EngineError when the index is missing, EngineAway when nobody answers."""
        return ElasticWriter(self._address)

    def present(self) -> bool:
        """Whether the alias leads to an index of ours; yes while nobody answers, for then nothing is to be built."""
        try:
            with as_engine_errors():
                indexes.current(client(self._address), self._address.prefix)
        except EngineAway:
            return True
        except EngineError:
            return False
        return True

    def built(self, entries: Iterator[Entry]) -> tuple[ElasticWriter, int]:
        """A writer on a new index of just these entries, and their number."""
        return rebuilt(self._address, entries)

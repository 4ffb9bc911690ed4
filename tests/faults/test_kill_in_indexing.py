"""The indexer dies between every two steps of a batch: the next one brings index and documents in step, and loses nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import store, topics
from ckanext.kzopen.search.engines.base import Entry
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine
from ckanext.kzopen.search.engines.tantivy.writer import TantivyWriter
from ckanext.kzopen.search.indexing import Indexing
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from tests.faults.stopping import Stops, start
from tests.search.conftest import SITE, database, made

__all__ = ["database"]

pytestmark = pytest.mark.fault

STEPS = [
    *("SELECT kzopen.outbox_delivery", "SELECT kzopen.search_document", "index put", "index remove", "index commit"),
    *("DELETE FROM kzopen.outbox_delivery", "SELECT", "COMMIT", "the end"),
]
"""What a batch does, in its order; the SELECT without a table tells those who wait."""


class WatchedWriter(TantivyWriter):
    """The real writer, in whose calls a process may die."""

    def __init__(self, root: Path, stops: Stops) -> None:
        super().__init__(root)
        self._stops = stops

    def put(self, entries: Iterable[Entry]) -> None:
        self._stops.reach("index put")
        super().put(entries)

    def remove(self, keys: Sequence[str]) -> None:
        self._stops.reach("index remove")
        super().remove(keys)

    def commit(self) -> None:
        self._stops.reach("index commit")
        super().commit()


class WatchedEngine(TantivyEngine):
    """The embedded engine with a watched writer."""

    def __init__(self, root: Path, stops: Stops) -> None:
        super().__init__(root)
        self._place, self._stops = root, stops

    def writer(self) -> TantivyWriter:
        return WatchedWriter(self._place, self._stops)


@contextmanager
def watched_reading(stops: Stops) -> Iterator[None]:
    """Documents are read through the driver's own cursor, of which SQLAlchemy's events know nothing."""
    read = store.entries

    def entries(connection: Connection, keys: Sequence[str]) -> Iterator[Entry]:
        stops.reach("SELECT kzopen.search_document")
        return read(connection, keys)

    with patch.object(store, "entries", entries):
        yield


class ForgetfulIndexing(Indexing):
    """What the real one must not be: it acknowledges a batch in a transaction of its own, before the index has it."""

    def step(self, connection: object) -> int:
        with self._database.begin() as own:
            messages = outbox.take(own, topics.INDEX, 100)
            outbox.acknowledge(own, topics.INDEX, [message.id for message in messages])
        with self._database.begin() as own:
            self._apply(own, messages)
        return len(messages)

    def mend(self, connection: object) -> int:
        return 0


class Work:
    """A database with documents and an index in step with it."""

    def __init__(self, database: Engine, folder: Path, kind: type[Indexing] = Indexing) -> None:
        self.database, self.root, self.output, self.kind = database, folder / "index", folder / "said.jsonl", kind
        self.change(*range(6))
        TantivyEngine(self.root).built(iter(()))[0].close()
        self.follow()

    def change(self, *numbers: int, version: str = "1") -> None:
        for number in numbers:
            with self.database.begin() as connection:
                store.put(connection, made(f"n{number}", version=version))

    def step(self, stops: Stops) -> None:
        """One batch, watched by stops."""
        engine = create_engine(self.database.url, poolclass=NullPool)
        indexing = self.kind(engine, WatchedEngine(self.root, stops))
        stops.watch(engine)
        with engine.connect() as connection, watched_reading(stops):
            indexing.step(connection)
        stops.reach("the end")
        indexing.close()

    def killed_at(self, stop: int, number: int) -> None:
        """One document changed and one removed, then a batch that dies there."""
        self.change(number, version=f"2-{stop}")
        with self.database.begin() as connection:
            store.remove(connection, SITE, "package", f"n{number + 1}")
        assert start(self.output, lambda _say: self.step(Stops(stop))).wait() == -signal.SIGKILL

    def follow(self) -> None:
        """What an indexer does that comes after."""
        indexing = self.kind(self.database, TantivyEngine(self.root))
        with self.database.connect() as connection:
            indexing.mend(connection)
            while indexing.step(connection):
                pass
        indexing.close()

    def difference(self) -> tuple[int, dict[str, int], dict[str, int]] | None:
        with self.database.connect() as connection:
            left, wanted = outbox.pending(connection, topics.INDEX).rows, store.hashes(connection)
        present = TantivyEngine(self.root).reader().hashes()
        return None if (left, wanted) == (0, present) else (left, wanted, present)


def test_a_death_between_any_two_steps_of_a_batch_leaves_nothing_out_of_step(database: Engine, tmp_path: Path) -> None:
    work = Work(database, tmp_path)
    work.change(0, version="seen")
    stops = Stops()
    work.step(stops)
    assert stops.names == STEPS
    for stop, name in enumerate(STEPS):
        work.change(*range(6), version=f"1-{stop}")
        work.killed_at(stop, 2)
        work.follow()
        assert work.difference() is None, f"after a death before {name}"


def test_an_acknowledgement_before_the_index_would_be_found(database: Engine, tmp_path: Path) -> None:
    work = Work(database, tmp_path, ForgetfulIndexing)
    stops = Stops()
    work.change(0, version="seen")
    work.step(stops)
    work.killed_at(stops.names.index("index commit"), 2)
    work.follow()
    assert work.difference() is not None

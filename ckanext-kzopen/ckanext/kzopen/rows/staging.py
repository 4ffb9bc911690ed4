"""A table that is loaded into DataStore while it is still being checked: PostgreSQL works on one core, the check on the other.

All is done in one transaction that nobody sees. When the table turns out wrong, or has to wait for a person, it is rolled
back, and nothing was there; so it is when the process dies.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

import pyarrow as pa
from ckanext.kzopen.rows import datastore
from ckanext.kzopen.rows.datastore import Prepared
from psycopg2 import Error as DriverError
from sqlalchemy.engine import Connection, Engine

WAITING = 4
"""So many pieces lie between the check and PostgreSQL at most."""
PAUSE = 0.1


class GivenUp(Exception):
    """The table is not wanted any more."""


class Staging:
    """The hidden table of a resource, to which `take` adds rows; to be used with `with`, at whose end all is rolled back that
    was not committed. Its words are left to the job `rows.fill_full_text`, however few rows it has."""

    def __init__(self, engine: Engine, resource_id: str, schema: Mapping[str, Any]) -> None:
        self._engine, self._resource_id, self._schema = engine, resource_id, schema
        self._pieces: queue.Queue[pa.Table | None] = queue.Queue(WAITING)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kzopen-staging")
        self._loading: Future[None] | None = None
        self._connection: Connection | None = None
        self._given_up = False
        self._rows = 0

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *_error: object) -> None:
        self.give_up()

    def give_up(self) -> None:
        """Roll back what was not committed; nobody waits for the hidden table any more. Asked again, it does nothing."""
        self._given_up = True
        while self._loading is not None and not self._loading.done():
            self._cancel()
            wait([self._loading], timeout=PAUSE)
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def take(self, rows: pa.Table) -> None:
        """The next rows; waits while PostgreSQL is behind."""
        self._rows += rows.num_rows
        self._hand_over(rows)

    def end(self) -> None:
        """No rows come any more: the indexes are made while the caller does other things."""
        self._hand_over(None)

    def finished(self, sha256: str) -> Prepared:
        """After `end`: the hidden table with all rows, as `datastore.prepare` leaves it. Raises what went wrong."""
        assert self._loading is not None  # noqa: S101 - `end` was called
        self._loading.result()
        datastore.mark_hidden(self.connection, self._resource_id, sha256)
        return Prepared(self._resource_id, self._rows, full_text=False, sha256=sha256)

    @property
    def connection(self) -> Connection:
        """The connection in whose transaction the finished table is."""
        assert self._connection is not None  # noqa: S101 - it is finished
        return self._connection

    def commit(self) -> None:
        """Let all see what was done in the table's transaction."""
        self.connection.commit()

    def _hand_over(self, rows: pa.Table | None) -> None:
        if self._loading is None:
            self._loading = self._thread.submit(self._load)
        while not self._loading.done():
            with suppress(queue.Full):
                self._pieces.put(rows, timeout=PAUSE)
                return

    def _load(self) -> None:
        self._connection = self._engine.connect()
        self._connection.begin()
        datastore.build_hidden(self._connection, self._resource_id, self._taken(), self._schema)

    def _taken(self) -> Iterator[pa.Table]:
        while not self._given_up:
            with suppress(queue.Empty):
                rows = self._pieces.get(timeout=PAUSE)
                if rows is None:
                    return
                yield rows
        raise GivenUp

    def _cancel(self) -> None:
        """End a statement that still runs, such as the making of an index."""
        if self._connection is not None:
            with suppress(DriverError):
                driver: Any = self._connection.connection.driver_connection
                driver.cancel()

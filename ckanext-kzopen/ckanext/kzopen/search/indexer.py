"""The process that writes the search index: `python -m ckanext.kzopen.search.indexer INI`.

Any number may run; the one that holds an advisory lock of PostgreSQL is active, the others stand by and take over within
seconds of its death. It survives a database that restarts or has no tables yet and a disk that is full, ends within a batch of
SIGTERM, and never loads CKAN.
"""

from __future__ import annotations

import logging
import select
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import ini, store, topics
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Engine, EngineError
from ckanext.kzopen.search.indexing import BATCH, Indexing
from ckanext.kzopen.search.recompute_child import RecomputeChild
from psycopg2 import Error as DriverError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

log = logging.getLogger("kzopen.indexer")

LOCK = 0x6B7A6F70656E  # "kzopen"
STANDBY = 1.0
IDLE = 5.0
"""Seconds after which an idle indexer looks by itself, should a message of PostgreSQL be lost."""
UPKEEP = 60.0
LONGEST_PAUSE = 10.0
LONGEST_GATHERING = 0.2

_TRY_LOCK = text("SELECT pg_try_advisory_lock(:lock)")


class Indexer:
    """The process's loop; `stop` ends it from a signal."""

    def __init__(self, database: Database, engine: Engine, ini_path: str) -> None:
        self._database = database
        self._engine = engine
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        self._stopping = False
        self._child = RecomputeChild(ini_path)

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End after the batch at hand."""
        self._stopping = True
        self._waker.send(b"x")

    def run(self) -> None:
        """Until stopped: connect, become active, follow; what fails (database, disk) is tried again with growing pauses."""
        pause = 0.2
        while not self._stopping:
            try:
                with self._database.connect() as connection:
                    self._active_or_standing_by(connection)
                pause = 0.2
            except (SQLAlchemyError, DriverError, EngineError) as error:
                log.warning("trying again in %.1f s: %s", pause, str(error).partition("\n")[0])
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        self._child.stop()

    def _active_or_standing_by(self, connection: Connection) -> None:
        while not self._locked(connection):
            if self._sleep(STANDBY):
                return
        log.info("this indexer is active")
        with connection.begin():
            outbox.register(connection, outbox.Consumer(topics.INDEX, frozenset({topics.CHANGED, topics.REBUILD})))
            connection.exec_driver_sql(f"LISTEN {outbox.NEWS_CHANNEL}")
            store.tell_outdated(connection)
        indexing = Indexing(self._database, self._engine)
        try:
            self._follow(connection, indexing)
        finally:
            indexing.close()

    def _locked(self, connection: Connection) -> bool:
        """Whether this indexer is the active one; PostgreSQL gives the lock free when the connection ends."""
        with connection.begin():
            return bool(connection.execute(_TRY_LOCK, {"lock": LOCK}).scalar())

    def _follow(self, connection: Connection, indexing: Indexing) -> None:
        mended = indexing.mend(connection)
        if mended:
            log.info("%d documents of the search index were out of step and are mended", mended)
        due = 0.0
        while not self._stopping:
            started = time.monotonic()
            done = indexing.step(connection)
            if done == BATCH or (done and self._gather(connection, time.monotonic() - started)):
                continue
            indexing.look_after()
            with connection.begin():
                self._child.look(connection)
            if time.monotonic() >= due:
                self._prune(connection)
                due = time.monotonic() + UPKEEP
            self._sleep(IDLE, connection)

    def _gather(self, connection: Connection, seconds: float) -> bool:
        """Where changes come faster than they are indexed, let more of them come: a commit of one costs as much as of many.

        Whoever changes something alone is not kept waiting. Returns whether more have come.
        """
        driver: Any = connection.connection.driver_connection
        driver.poll()
        if not driver.notifies:
            return False
        driver.notifies.clear()
        self._sleep(min(2 * seconds, LONGEST_GATHERING))
        return True

    def _prune(self, connection: Connection) -> None:
        with connection.begin():
            outbox.prune(connection)

    def _sleep(self, seconds: float, connection: Connection | None = None) -> bool:
        """Until news, a signal, or so many seconds; returns whether to stop."""
        driver = connection.connection.driver_connection if connection is not None else None
        if driver is not None and driver.notifies:
            driver.notifies.clear()
            return self._stopping
        ready, _, _ = select.select([self._wake, *([driver] if driver is not None else [])], [], [], seconds)
        if driver is not None and driver in ready:
            driver.poll()
            driver.notifies.clear()
        return self._stopping


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = ini.read(Path(sys.argv[1]))
    database = create_engine(settings.database_url, poolclass=NullPool)
    indexer = Indexer(database, engine_of(settings.search_url, settings.search_path), sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, indexer.stop)
    indexer.run()


if __name__ == "__main__":
    main()

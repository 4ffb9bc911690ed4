"""Read your own write: wait until the index has what was committed.

Each process listens on one connection, in one thread; requests that wait sleep until it hears that rows were acknowledged.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Sequence
from typing import Any

from ckanext.kzopen.core import outbox
from ckanext.kzopen.search.topics import INDEX
from psycopg2 import Error as DriverError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

DONE_CHANNEL = "kzopen_search"
"""PostgreSQL tells listeners of this channel that the index has caught up with some rows."""

_PAUSE = 0.5
"""Seconds after which a waiting request looks by itself, should a message be lost."""


class Acknowledgements:
    """Hears for one process when the index acknowledged rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._heard = threading.Condition()
        self._count = 0
        self._listening = threading.Event()
        self.process = os.getpid()
        threading.Thread(target=self._listen, name="kzopen-search-acknowledgements", daemon=True).start()

    def wait(self, rows: Sequence[int], seconds: float, consumer: str = INDEX) -> bool:
        """Whether the consumer acknowledged all rows within so many seconds; False too when the database cannot tell.

        What is waited for has been committed, so nothing here may fail the request.
        """
        end = time.monotonic() + seconds
        self._listening.wait(min(seconds, _PAUSE))
        while True:
            with self._heard:
                seen = self._count
            if self._done(rows, consumer):
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._heard:
                if self._count == seen:
                    self._heard.wait(min(left, _PAUSE))

    def _done(self, rows: Sequence[int], consumer: str) -> bool:
        try:
            with self._engine.connect() as connection:
                return outbox.waiting(connection, consumer, rows) == 0
        except SQLAlchemyError as error:
            log.warning("the database cannot tell whether the index has followed: %s", error)
            return False

    def _listen(self) -> None:
        """For the life of the process; a lost connection is opened again."""
        while True:
            try:
                self._listen_once()
            except (SQLAlchemyError, DriverError, OSError) as error:
                log.debug("no news from the search index: %s", error)
            self._listening.clear()
            time.sleep(_PAUSE)

    def _listen_once(self) -> None:
        raw = self._engine.raw_connection()
        driver: Any = raw.driver_connection
        raw.detach()
        try:
            driver.autocommit = True
            driver.cursor().execute(f"LISTEN {DONE_CHANNEL}")
            self._listening.set()
            while not driver.closed:
                if select.select([driver], [], [], 30)[0]:
                    driver.poll()
                    driver.notifies.clear()
                    with self._heard:
                        self._count += 1
                        self._heard.notify_all()
        finally:
            driver.close()


_acknowledgements: Acknowledgements | None = None
_lock = threading.Lock()


def acknowledgements(engine: Engine) -> Acknowledgements:
    """The one of this process; a forked child gets its own."""
    global _acknowledgements
    with _lock:
        if _acknowledgements is None or _acknowledgements.process != os.getpid():
            _acknowledgements = Acknowledgements(engine)
        return _acknowledgements

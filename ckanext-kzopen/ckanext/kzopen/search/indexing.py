"""The index follows the document table: what the one active indexer does with a connection and a writer."""

from __future__ import annotations

import logging
from contextlib import closing

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.outbox import Message
from ckanext.kzopen.search import progress, store, topics
from ckanext.kzopen.search.engines.base import Engine, EngineAway, EngineError, Writer
from ckanext.kzopen.search.waiting import DONE_CHANNEL
from sqlalchemy import Connection, text
from sqlalchemy import Engine as Database

log = logging.getLogger(__name__)

BATCH = 500
_NOTIFY = text("SELECT pg_notify(:channel, :message)")


class Indexing:
    """Keeps one index in step; a damaged or missing one is built anew."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine
        self._writer = self._opened()

    def _opened(self) -> Writer:
        try:
            return self._engine.writer()
        except EngineAway:
            raise
        except EngineError as error:
            log.warning("building the search index: %s", error)
            return self._built()

    def _built(self) -> Writer:
        """A new index from a snapshot of the documents; what changes meanwhile is still in the outbox."""
        with self._database.connect() as connection, closing(store.all_entries(connection)) as entries:
            writer, count = self._engine.built(progress.telling(self._database, entries, store.count(connection)))
        log.info("the search index was built from %d documents", count)
        return writer

    def step(self, connection: Connection) -> int:
        """Index one batch of changes and acknowledge it; returns how many rows it had."""
        with connection.begin():
            messages = outbox.take(connection, topics.INDEX, BATCH)
            if messages:
                self._apply(connection, messages)
                outbox.acknowledge(connection, topics.INDEX, [message.id for message in messages])
                connection.execute(_NOTIFY, {"channel": DONE_CHANNEL, "message": str(messages[-1].id)})
        return len(messages)

    def _apply(self, connection: Connection, messages: list[Message]) -> None:
        try:
            self._follow(connection, messages)
        except EngineAway:
            raise  # the batch is taken again when the engine is back
        except EngineError as error:
            log.warning("building the search index anew: %s", error)
            self.rebuild()

    def _follow(self, connection: Connection, messages: list[Message]) -> None:
        self.look_after()
        if any(message.topic == topics.REBUILD for message in messages):
            self.rebuild()
        keys = list(dict.fromkeys(message.key for message in messages if message.topic == topics.CHANGED))
        self._index(connection, keys)

    def look_after(self) -> None:
        """Build the index anew if somebody deleted it, or a part of it."""
        if not self._engine.present():
            log.warning("the search index has disappeared")
            self.rebuild()

    def rebuild(self) -> None:
        """Build the index anew beside the old one, which answers until then."""
        self.close()
        self._writer = self._built()

    def mend(self, connection: Connection) -> int:
        """Bring in step what differs from the document table by its hash; returns how many documents did."""
        with connection.begin():
            wanted = store.hashes(connection)
        try:
            present = self._engine.reader().hashes()
        except EngineAway:
            raise
        except EngineError:
            self.rebuild()
            return len(wanted)
        wrong = sorted(key for key in wanted.keys() | present.keys() if wanted.get(key) != present.get(key))
        for start in range(0, len(wrong), BATCH):
            with connection.begin():
                self._index(connection, wrong[start : start + BATCH])
        return len(wrong)

    def _index(self, connection: Connection, keys: list[str]) -> None:
        keys = [*keys, *self._writer.companions(keys)]
        found = list(store.entries(connection, keys))
        self._writer.put(found)
        self._writer.remove(sorted(set(keys) - {entry.key for entry in found}))
        self._writer.commit()

    def close(self) -> None:
        """Give the index free, whatever state it is in."""
        try:
            self._writer.close()
        except EngineError as error:
            log.debug("the old search index did not close: %s", error)

"""Rebuilds of the whole index: every document computed anew, on both sides; and ours from the documents kept in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable

from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import topics
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bench._portals import Both
from bench.figures import Figure, faster

LONGEST = "7200"


def figures(both: Both, say: Callable[[str], None]) -> list[Figure]:
    """Data sets a second; commands are measured with all that they load."""
    started = time.monotonic()
    both.ours.ckan("kzopen-search", "rebuild", "--recompute", "--wait", LONGEST)
    computing = both.count / (time.monotonic() - started)
    started = time.monotonic()
    both.stock.ckan("search-index", "rebuild", "-q")
    stock = both.count / (time.monotonic() - started)
    kept = both.count / from_documents(both.ours.database)
    say(f"{both.count:,} data sets: ours computed anew {computing:.0f}/s, stock {stock:.0f}/s, from documents {kept:.0f}/s")
    return [
        faster("index.rebuild_from_documents", kept, stock, 50, "/s"),
        faster("index.rebuild_computing", computing, stock, 1.3, "/s"),
    ]


def from_documents(database: str) -> float:
    """Seconds from asking the indexer for a new index until it answers from it."""
    engine = create_engine(database, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        started = time.monotonic()
        row = outbox.emit(connection, topics.REBUILD, "all")
        while outbox.waiting(connection, topics.INDEX, [row]):
            time.sleep(0.01)
        return time.monotonic() - started

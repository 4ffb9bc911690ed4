"""How long after its commit a changed document is found: the real indexer, the index on this disk and on a memory disk."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.testing.portals import fresh_databases, test_portal
from ckanext.kzopen.runtime.testing.suites import Suite
from ckanext.kzopen.search import document, store, topics
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Reader, Search
from ckanext.kzopen.search.tree import Term
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from bench import _documents, _ours
from bench._engines import p95
from bench.figures import Figure, below, told
from tests.search.conftest import migrate

DOCUMENTS, QUICK_DOCUMENTS = 10_000, 1_000
CHANGES, QUICK_CHANGES = 200, 50
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
PAUSE = 0.05


def figures(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """The slow end in milliseconds, on disk and in memory."""
    count, changes = (QUICK_DOCUMENTS, QUICK_CHANGES) if quick else (DOCUMENTS, CHANGES)
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder:
        portal = Portal(Settings(data=Path(folder) / "data", demo=False, search_url=""))
        with test_portal(portal, Suite("follow", [], worker=False)):
            disk = followed(portal, "disk", Path(folder), count, changes)
            memory = None if _ours.search_url("") else in_memory(portal, count, changes)
    say(f"{changes} changes of {count:,} documents, one after the other")
    found = [
        below("index.findable_p95_on_disk", p95(disk), 250, "ms"),
        told("index.findable_p50_on_disk", sorted(disk)[len(disk) // 2], "ms"),
    ]
    return found if memory is None else [*found, below("index.findable_p95_in_memory", p95(memory), 100, "ms")]


def in_memory(portal: Portal, count: int, changes: int) -> list[float]:
    """The times with the index on a memory disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as memory_disk:
        return followed(portal, "memory", Path(memory_disk), count, changes)


def followed(portal: Portal, name: str, place: Path, count: int, changes: int) -> list[float]:
    """The times with a database and an indexer of their own, whose index lies at `place`."""
    fresh_databases(portal, name)
    address = socket_url("kzopen", f"{name}_ckan", portal.sockets)
    database = create_engine(address, poolclass=NullPool)
    with database.begin() as connection:
        migrate(connection)
        for source in _documents.sources(count):
            store.put(connection, document.from_solr(source, _documents.SITE))
    search_url = _ours.search_url(f"bench-{name}")
    with _indexer(address, search_url, place):
        return times(database, engine_of(search_url, place / "index").reader(), changes)


def times(database: Engine, reader: Reader, changes: int) -> list[float]:
    """Milliseconds from the commit of a change until a search finds it."""
    _wait_until_in_step(database)
    found = []
    for number in range(changes):
        mark = f"change-{number}"
        source = next(_documents.sources(number + 1, number)) | {"version": mark}
        made = document.from_solr(source, _documents.SITE)
        with database.begin() as connection:
            store.put(connection, made)
        started = time.perf_counter()
        while reader.search(Search(Term("version", mark), labels=None, rows=0)).hits == 0:
            assert time.perf_counter() - started < 60, "a change was not found"
            time.sleep(0.001)
        found.append((time.perf_counter() - started) * 1000)
        time.sleep(PAUSE)
    return found


def _wait_until_in_step(database: Engine) -> None:
    with database.connect() as connection:
        while outbox.pending(connection, topics.INDEX).rows:
            connection.rollback()
            time.sleep(0.1)


@contextmanager
def _indexer(database: str, search_url: str, place: Path) -> Iterator[None]:
    ini = place / "indexer.ini"
    options = {
        "sqlalchemy.url": database.replace("%", "%%"),
        "kzopen.search_url": search_url,
        "kzopen.search_path": str(place / "index"),
    }
    ini.write_text("\n".join(["[app:main]", *(f"{name} = {value}" for name, value in options.items())]), encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-m", "ckanext.kzopen.search.indexer", str(ini)])
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)

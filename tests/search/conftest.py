"""An index in a folder, and a database with nothing but our tables."""

from __future__ import annotations

import importlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from ckanext.kzopen.runtime.testing.portals import folder_in_memory
from ckanext.kzopen.search import document
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Engine as SearchEngine
from ckanext.kzopen.search.engines.base import Reader
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tests import search_engines

SITE = "test"
MIGRATIONS = ("kzopen.versions.0001_outbox", "kzopen_search.versions.0001_document")


def source(name: str, **fields: Any) -> dict[str, Any]:
    """A document in Solr's shape."""
    given = {"id": name, "name": name, "site_id": SITE, "entity_type": "package", "state": "active", **fields}
    return {"permission_labels": ["public"], **given}


def made(name: str, **fields: Any) -> document.Document:
    return document.from_solr(source(name, **fields), SITE)


def until(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Seconds until the condition held."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "it did not happen in time"
        time.sleep(0.05)
    return time.monotonic() - start


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[str]:
    """`host:port` of a real Elasticsearch."""
    lacks = search_engines.lacks("elasticsearch")
    if lacks:
        pytest.skip(lacks)
    with search_engines.elasticsearch(*search_engines.QUICKLY) as address:
        yield address


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a test keeps an index: in memory, for each commit would wait for the disk several times."""
    with folder_in_memory() as found:
        yield found or tmp_path


@pytest.fixture(params=["tantivy", "elasticsearch"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[SearchEngine]:
    """Each engine in turn, empty."""
    if request.param == "tantivy":
        yield engine_of("", folder / "index")
        return
    address = f"elasticsearch://{request.getfixturevalue('elasticsearch')}/test-{uuid.uuid4().hex[:12]}"
    yield engine_of(address, tmp_path)
    delete_indexes(address)


def delete_indexes(address: str) -> None:
    """Leave nothing of a test in an Elasticsearch that others use too."""
    from ckanext.kzopen.search.engines.elastic import client, indexes
    from ckanext.kzopen.search.engines.elastic.address import read

    indexes.sweep(client.client(read(address)), read(address).prefix, "")


@pytest.fixture
def index(engine: SearchEngine) -> Callable[..., Reader]:
    """Makes an index of the given sources and gives its reader."""

    def build(*sources: dict[str, Any]) -> Reader:
        writer, _count = engine.built(iter(document.from_solr(one, SITE).entry() for one in sources))
        writer.close()
        return engine.reader()

    return build


@pytest.fixture
def database() -> Iterator[Engine]:
    """A database of its own with the outbox and the document table, in the PostgreSQL of the tests."""
    address = make_url(_test_database())
    name = f"search_{uuid.uuid4().hex[:12]}"
    admin = create_engine(
        address.set(username="postgres", database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} OWNER {address.username}"))
    engine = create_engine(address.set(database=name), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            migrate(connection)
        yield engine
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_ini() -> str:
    """The ini of the portal on which the tests run."""
    return os.environ["KZOPEN_TEST_INI"]


test_ini.__test__ = False  # type: ignore[attr-defined]


def _test_database() -> str:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.read(test_ini(), encoding="utf-8")
    return parser["app:main"]["sqlalchemy.url"]


def migrate(connection: Any) -> None:
    connection.execute(text("CREATE SCHEMA kzopen"))
    with Operations.context(MigrationContext.configure(connection)):
        for name in MIGRATIONS:
            importlib.import_module(f"ckanext.kzopen.migration.{name}").upgrade()

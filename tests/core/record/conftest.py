"""A log of the tests' own, in a database of its own: commits are real, and attacks on it spoil nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from ckanext.kzopen.core.record import append, heads, keys, sealing, write_event
from ckanext.kzopen.core.record.keys import Ring
from ckanext.kzopen.core.record.tables import Leaf
from ckanext.kzopen.core.record.verification import verify_all
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.orm import Session

NAME = "kzopen_record_tests"
TABLES = ("leaf", "node", "head", "key", "event", "event_deleted")
MIGRATIONS = ("0002_event", "0004_record", "0009_states")


@pytest.fixture(scope="session")
def record_database(engine: Engine) -> Iterator[URL]:
    """An empty database with the tables of the record."""
    url = make_url(engine.url.render_as_string(hide_password=False))
    administrator = url.set(username="postgres", database="postgres", drivername="postgresql")
    with psycopg.connect(administrator.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME} OWNER {url.username}")
        migrate(url.set(database=NAME))
        yield url.set(database=NAME)
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def migrate(url: URL) -> None:
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE SCHEMA kzopen"))
        with Operations.context(MigrationContext.configure(connection)):
            for name in MIGRATIONS:
                import_module(f"ckanext.kzopen.migration.kzopen.versions.{name}").upgrade()


@pytest.fixture(scope="session")
def log_engine(record_database: URL) -> Iterator[Engine]:
    engine = create_engine(record_database)
    yield engine
    engine.dispose()


@pytest.fixture
def log(log_engine: Engine) -> Iterator[Session]:
    """A session on an empty log."""
    with Session(log_engine) as session:
        with unprotected(session):
            session.execute(text(f"TRUNCATE kzopen.event_unsealed, {', '.join('kzopen.' + table for table in TABLES)}"))
        yield session


@contextmanager
def unprotected(session: Session) -> Iterator[None]:
    """What the owner of the tables can do: switch the triggers off that refuse changes. Commits."""
    session.commit()
    for table in TABLES:
        session.execute(text(f"ALTER TABLE kzopen.{table} DISABLE TRIGGER USER"))
    yield
    for table in TABLES:
        session.execute(text(f"ALTER TABLE kzopen.{table} ENABLE TRIGGER USER"))
    session.commit()


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "record", "a password of the tests")


@pytest.fixture
def key(log: Session, ring: Ring) -> keys.Key:
    """The first key, whose statement is leaf 0."""
    made = keys.ensure(log, ring)
    log.commit()
    return made


@pytest.fixture
def add(log: Session, key: keys.Key) -> Callable[[int], list[Leaf]]:
    """Adds comments to the log behind the first key's statement, each in a transaction of its own."""

    def added(count: int) -> list[Leaf]:
        leaves = []
        for n in range(count):
            leaves.append(append(log, "comment", f"c{n}", {"text": f"пікір {n}"}))
            log.commit()
        return leaves

    return added


@pytest.fixture
def sign(log: Session, ring: Ring) -> Callable[[], dict[str, Any]]:
    """Signs the log as it is now."""

    def signed() -> dict[str, Any]:
        head = heads.make(log, ring)
        log.commit()
        assert head is not None
        return heads.as_dict(head)

    return signed


@pytest.fixture
def verify(record_database: URL, log: Session, ring: Ring) -> Callable[..., list[str]]:
    """Recomputes everything, with the journal or as if it were lost; the sentences of the findings."""

    def found(journal: bool = True) -> list[str]:
        log.commit()
        address = record_database.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as connection:
            result = verify_all(connection, ring.journal.statements() if journal else [])
        return [finding.sentence for finding in result.findings]

    return found


def write_events(log: Session, count: int) -> list[int]:
    """Changes of things that do not matter; the numbers of the events."""
    return [
        write_event(log, kind="test", object_id=str(n), verb="change", actor="user-1", address="203.0.113.7", new={"n": n})
        for n in range(count)
    ]


@pytest.fixture
def sealed(log: Session, key: keys.Key) -> list[int]:
    """Three events under one seal."""
    numbers = write_events(log, 3)
    assert sealing.seal(log) == 3
    log.commit()
    return numbers

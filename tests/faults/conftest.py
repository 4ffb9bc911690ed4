"""A database of the faults' own, with letters whose answers are part of the public record."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from ckan import model
from ckanext.kzopen.core.db import Base
from ckanext.kzopen.core.record import keys
from ckanext.kzopen.core.record.keys import Ring
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.orm import Session

from tests.core.conftest import register_letters
from tests.faults.stopping import Work

NAME = "kzopen_fault_tests"
MIGRATIONS = ("0001_outbox", "0002_event", "0004_record", "0005_mail", "0009_states")


@pytest.fixture
def fault_url() -> Iterator[URL]:
    """An empty database with the tables of outbox, events, record, mail and letters."""
    url = make_url(model.meta.engine.url.render_as_string(hide_password=False))
    administrator = url.set(username="postgres", database="postgres", drivername="postgresql")
    with psycopg.connect(administrator.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME} OWNER {url.username}")
        migrate(url.set(database=NAME))
        yield url.set(database=NAME)
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def migrate(url: URL) -> None:
    register_letters()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA kzopen"))
        with Operations.context(MigrationContext.configure(connection)):
            for name in MIGRATIONS:
                import_module(f"ckanext.kzopen.migration.kzopen.versions.{name}").upgrade()
        Base.metadata.create_all(connection, tables=[Base.metadata.tables["kzopen.test_letter"]])
    engine.dispose()


@pytest.fixture
def work(fault_url: URL, tmp_path: Path) -> Work:
    """The database with the first key of its record."""
    made = Work(fault_url.render_as_string(hide_password=False), Ring(tmp_path / "record", "a password of the tests"))
    with Session(made.engine()) as session:
        keys.ensure(session, made.ring)
        session.commit()
    return made

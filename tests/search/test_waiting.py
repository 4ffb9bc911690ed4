"""A request that wrote waits until its change can be found, but never longer than it may, and never fails for it."""

from __future__ import annotations

import threading
import time

import pytest
from ckanext.kzopen.core import outbox
from ckanext.kzopen.search import store, topics
from ckanext.kzopen.search.waiting import DONE_CHANNEL, Acknowledgements
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from tests.search.conftest import made


@pytest.fixture
def rows(database: Engine) -> list[int]:
    with database.begin() as connection:
        return [store.put(connection, made("a")), store.put(connection, made("b"))]


def acknowledge(database: Engine, ids: list[int]) -> None:
    with database.begin() as connection:
        outbox.acknowledge(connection, topics.INDEX, ids)
        connection.execute(text(f"NOTIFY {DONE_CHANNEL}"))


def test_it_ends_as_soon_as_all_rows_are_acknowledged(database: Engine, rows: list[int]) -> None:
    waiting = Acknowledgements(database)
    threading.Timer(0.3, acknowledge, (database, rows[:1])).start()
    threading.Timer(0.6, acknowledge, (database, rows[1:])).start()
    start = time.monotonic()
    assert waiting.wait(rows, 20)
    assert 0.5 < time.monotonic() - start < 5


def test_it_ends_after_its_time(database: Engine, rows: list[int]) -> None:
    start = time.monotonic()
    assert not Acknowledgements(database).wait(rows, 0.7)
    assert 0.6 < time.monotonic() - start < 5


def test_rows_of_a_rolled_back_savepoint_are_not_waited_for(database: Engine) -> None:
    assert Acknowledgements(database).wait([10**9], 5)


def test_a_database_that_is_away_is_no_error(database: Engine) -> None:
    nowhere = create_engine(database.url.set(database="there_is_none"), poolclass=NullPool)
    assert not Acknowledgements(nowhere).wait([1], 0.3)


def test_a_lost_connection_is_opened_again(database: Engine, rows: list[int]) -> None:
    waiting = Acknowledgements(database)
    assert not waiting.wait(rows, 0.3)
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with create_engine(database.url.set(username="postgres"), poolclass=NullPool).connect() as connection:
        assert len(connection.execute(text(cut)).all()) == 1
    acknowledge(database, rows)
    assert waiting.wait(rows, 20)

"""Rows of the outbox reach every consumer of their topic, once it is committed and until it is acknowledged."""

from __future__ import annotations

import select
from datetime import timedelta

import pytest
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.outbox import Consumer
from sqlalchemy import Connection, Engine, text

from tests.search.conftest import database  # noqa: F401

MAIL = Consumer("mail", frozenset({"delivery.accepted", "delivery.refused"}))
LOG = Consumer("log", frozenset({"delivery.accepted"}))


@pytest.fixture
def engine(database: Engine) -> Engine:  # noqa: F811
    with database.begin() as connection:
        outbox.register(connection, MAIL)
        outbox.register(connection, LOG)
    return database


def keys(connection: Connection, name: str) -> list[str]:
    return [message.key for message in outbox.take(connection, name)]


def test_a_row_reaches_the_consumers_of_its_topic(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.emit(connection, "delivery.accepted", "d1", {"version": 2})
        outbox.emit(connection, "delivery.refused", "d2")
        outbox.emit(connection, "nobody.listens", "d3")
    with engine.begin() as connection:
        (first, second) = outbox.take(connection, "mail")
        assert (first.topic, first.key, first.payload) == ("delivery.accepted", "d1", {"version": 2})
        assert second.key == "d2"
        assert keys(connection, "log") == ["d1"]


def test_a_row_that_is_rolled_back_reaches_nobody(engine: Engine) -> None:
    with engine.connect() as connection:
        outbox.emit(connection, "delivery.accepted", "d1")
        connection.rollback()
        assert keys(connection, "mail") == []


def test_each_row_is_acknowledged_by_itself_and_by_each_consumer(engine: Engine) -> None:
    with engine.begin() as connection:
        rows = outbox.emit_many(connection, "delivery.accepted", ["d1", "d2", "d3"])
        outbox.acknowledge(connection, "mail", [rows[1]])
    with engine.begin() as connection:
        assert keys(connection, "mail") == ["d1", "d3"]
        assert keys(connection, "log") == ["d1", "d2", "d3"]
        assert outbox.waiting(connection, "mail", rows) == 2


def test_a_row_that_becomes_visible_late_is_not_skipped(engine: Engine) -> None:
    slow = engine.connect()
    outbox.emit(slow, "delivery.accepted", "slow")
    with engine.begin() as connection:
        quick = outbox.emit(connection, "delivery.accepted", "quick")
        outbox.acknowledge(connection, "mail", [quick])
    slow.commit()
    slow.close()
    with engine.begin() as connection:
        assert keys(connection, "mail") == ["slow"]


def test_two_processes_of_one_name_share_the_rows(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.emit_many(connection, "delivery.accepted", ["d1", "d2"])
    with engine.begin() as one, engine.begin() as other:
        assert [m.key for m in outbox.take(one, "mail", limit=1)] == ["d1"]
        assert keys(other, "mail") == ["d2"]


def test_a_late_consumer_starts_with_what_is_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.emit(connection, "delivery.accepted", "before")
        outbox.register(connection, Consumer("late", frozenset({"delivery.accepted"})))
        assert keys(connection, "late") == ["before"]


def test_registering_again_repeats_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        row = outbox.emit(connection, "delivery.accepted", "d1")
        outbox.acknowledge(connection, "log", [row])
        outbox.register(connection, LOG)
        outbox.register(connection, Consumer("log", LOG.topics | {"delivery.refused"}))
        assert keys(connection, "log") == []


def test_only_rows_that_all_have_read_are_pruned(engine: Engine) -> None:
    with engine.begin() as connection:
        rows = outbox.emit_many(connection, "delivery.accepted", ["read by all", "read by one", "young"])
        connection.execute(text("UPDATE kzopen.outbox SET created = now() - interval '2 hours' WHERE key <> 'young'"))
        outbox.acknowledge(connection, "mail", rows)
        outbox.acknowledge(connection, "log", [rows[0], rows[2]])
        assert outbox.prune(connection, timedelta(hours=1)) == 1
        assert set(connection.execute(text("SELECT key FROM kzopen.outbox")).scalars()) == {"read by one", "young"}


def test_pending_tells_number_and_age(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.emit(connection, "delivery.accepted", "d1")
        connection.execute(text("UPDATE kzopen.outbox SET created = now() - interval '90 seconds'"))
        found = outbox.pending(connection, "mail")
        assert found.rows == 1
        assert found.oldest == pytest.approx(90, abs=5)
        assert outbox.pending(connection, "unknown") == outbox.Pending(0, 0)


def test_a_forgotten_consumer_holds_nothing_back(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.emit(connection, "delivery.refused", "d1")
        outbox.forget(connection, "mail")
        connection.execute(text("UPDATE kzopen.outbox SET created = now() - interval '2 hours'"))
        assert outbox.prune(connection) == 1


def test_listeners_hear_of_a_commit_only(engine: Engine) -> None:
    with engine.connect() as listener:
        listener.execute(text(f"LISTEN {outbox.NEWS_CHANNEL}"))
        listener.commit()
        driver = listener.connection.driver_connection
        assert driver is not None
        with engine.connect() as writer:
            outbox.emit(writer, "delivery.accepted", "d1")
            driver.poll()
            assert driver.notifies == []
            writer.commit()
        select.select([driver], [], [], 5)
        driver.poll()
        assert [notice.payload for notice in driver.notifies] == ["delivery.accepted"]

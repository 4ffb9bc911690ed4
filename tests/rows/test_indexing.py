"""Indexes that are made beside readers and writers: nobody waits for them, neither readers nor a new version."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from ckanext.kzopen.rows import datastore, indexing
from ckanext.kzopen.rows.shapes import indexes
from ckanext.kzopen.rows.sql import cursor_of
from ckanext.kzopen.validation.lengths import NUMBER
from psycopg2.errors import QueryCanceled
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from tests.search.conftest import until

TABLE = pa.table({"bin": ["a", "b"], "name": ["same", "same"]})
PLAIN: dict[str, Any] = {"fields": [{"name": "bin", "type": "string"}, {"name": "name", "type": "string"}]}
MARKED: dict[str, Any] = {"fields": [PLAIN["fields"][0], PLAIN["fields"][1] | {"indexed": True}]}
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE :doing || '%' || :table || '%' AND wait_event_type = 'Lock'"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.fixture
def plain(write_engine: Engine, resource_id: str) -> str:
    """The resource of a table that was loaded before its column was marked."""
    with write_engine.begin() as connection:
        datastore.load(connection, resource_id, TABLE, sha256="1" * 64, schema=PLAIN)
    return resource_id


def name_of(resource_id: str) -> str:
    return indexes(resource_id, MARKED, {"bin": "text", "name": "text"})[0].name


def lacks(engine: Engine, resource_id: str) -> bool:
    with engine.connect() as connection:
        missing, _left = indexing.amiss(cursor_of(connection), resource_id, MARKED)
        return bool(missing)


def wait_for_one_that_waits(engine: Engine, doing: str, named: str, maker: Future[None]) -> None:
    """Until a maker's statement waits for another's transaction."""

    def waits() -> bool:
        assert not maker.done()
        with engine.connect() as connection:
            return bool(connection.scalar(text(WAITS), {"doing": doing, "table": named}))

    until(waits, 10)


@pytest.mark.timeout(60)
def test_a_new_version_does_not_wait_for_an_index_of_the_last_one(
    write_engine: Engine, plain: str, pool: ThreadPoolExecutor
) -> None:
    with write_engine.connect().execution_options(isolation_level="REPEATABLE READ") as old:
        old.execute(text("SELECT count(*) FROM _table_stats")).all()  # an index is made until all older snapshots are gone
        maker = pool.submit(indexing.make, write_engine, plain, MARKED)
        wait_for_one_that_waits(write_engine, "CREATE INDEX CONCURRENTLY", plain, maker)

        with write_engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = '5s'"))
            datastore.load(connection, plain, TABLE, sha256="2" * 64, schema=PLAIN)

        with pytest.raises(QueryCanceled):
            maker.result(10)
    assert lacks(write_engine, plain)
    indexing.make(write_engine, plain, MARKED)
    assert not lacks(write_engine, plain)


@pytest.mark.timeout(60)
def test_a_withdrawal_does_not_wait_for_an_index(write_engine: Engine, plain: str, pool: ThreadPoolExecutor) -> None:
    with write_engine.connect().execution_options(isolation_level="REPEATABLE READ") as old:
        old.execute(text("SELECT count(*) FROM _table_stats")).all()
        maker = pool.submit(indexing.make, write_engine, plain, MARKED)
        wait_for_one_that_waits(write_engine, "CREATE INDEX CONCURRENTLY", plain, maker)

        with write_engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            datastore.drop(connection, plain)

        with pytest.raises(QueryCanceled):
            maker.result(10)


@pytest.mark.timeout(60)
def test_readers_do_not_wait_for_what_a_dead_maker_left(write_engine: Engine, plain: str, pool: ThreadPoolExecutor) -> None:
    broken = f'CREATE UNIQUE INDEX CONCURRENTLY "{name_of(plain)}" ON "{plain}" (name)'
    alone = write_engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with alone as connection, pytest.raises(IntegrityError):
        connection.execute(text(broken))
    with write_engine.connect() as reader:
        reader.execute(text(f'SELECT * FROM "{plain}"')).all()
        maker = pool.submit(indexing.make, write_engine, plain, MARKED)
        wait_for_one_that_waits(write_engine, "DROP INDEX", name_of(plain), maker)

        with write_engine.connect() as other:
            other.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert len(other.execute(text(f'SELECT * FROM "{plain}"')).all()) == 2
    maker.result(10)
    assert not lacks(write_engine, plain)


def test_a_number_takes_no_more_room_in_an_index_than_is_reckoned(write_engine: Engine) -> None:
    """Wherever its point stands."""
    sizes = (
        "SELECT max(pg_column_size((repeat('9', 38 - places) || '.' || repeat('9', places))::numeric)) "
        "FROM generate_series(0, 38) AS places"
    )
    with write_engine.connect() as connection:
        largest = connection.scalar(text(sizes))

    assert largest <= NUMBER

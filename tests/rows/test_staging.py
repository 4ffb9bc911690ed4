"""A table that is loaded while it is checked: nobody sees it before the commit, and of one that is given up nothing stays."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest
from ckan.tests.helpers import call_action
from ckanext.kzopen.rows import datastore
from ckanext.kzopen.rows.shapes import UnfitName
from ckanext.kzopen.rows.staging import WAITING, Staging
from sqlalchemy import text
from sqlalchemy.engine import Engine

pytestmark = pytest.mark.usefixtures("with_request_context")

SCHEMA: dict[str, Any] = {
    "fields": [{"name": "code", "type": "string"}, {"name": "sum", "type": "integer", "indexed": True}],
    "primaryKey": ["code"],
}


def rows(first: int, count: int) -> pa.Table:
    return pa.table({"code": [f"{n:05d}" for n in range(first, first + count)], "sum": range(first, first + count)})


def search(resource_id: str, **query: Any) -> dict[str, Any]:
    return call_action("datastore_search", resource_id=resource_id, **query)


def shape(engine: Engine, resource_id: str) -> list[Any]:
    """Columns, indexes, triggers, and what the sequence gives next."""
    queries = (
        "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid = to_regclass(:t) AND attnum > 0 ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE tablename = trim(both '\"' from :t) ORDER BY 1",
        "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(:t)",
        "SELECT nextval(pg_get_serial_sequence(:t, '_id'))",
    )
    with engine.connect() as connection:
        return [connection.execute(text(query), {"t": f'"{resource_id}"'}).all() for query in queries]


def hidden(engine: Engine, resource_id: str) -> list[str]:
    with engine.connect() as connection:
        return datastore.marks(connection, resource_id)


def test_it_becomes_the_table_that_loading_at_once_makes(write_engine: Engine, resource_id: str) -> None:
    with write_engine.begin() as connection:
        datastore.load(connection, resource_id, rows(0, 900), sha256="a" * 64, schema=SCHEMA, full_text=False)
    wanted = shape(write_engine, resource_id), search(resource_id, limit=900)["records"]

    with Staging(write_engine, resource_id, SCHEMA) as staged:
        for first in range(0, 900, 100):
            staged.take(rows(first, 100))
        staged.end()
        prepared = staged.finished("b" * 64)
        assert search(resource_id)["total"] == 900
        assert hidden(write_engine, resource_id) == ["a" * 64]
        datastore.switch(staged.connection, prepared)
        staged.commit()

    assert (prepared.rows, prepared.full_text) == (900, False)
    assert (shape(write_engine, resource_id), search(resource_id, limit=900)["records"]) == wanted
    assert hidden(write_engine, resource_id) == ["b" * 64]


@pytest.mark.parametrize("ended", [False, True], ids=["in the middle", "when it is finished"])
def test_nothing_stays_of_one_that_is_given_up(write_engine: Engine, resource_id: str, ended: bool) -> None:
    with write_engine.begin() as connection:
        datastore.load(connection, resource_id, rows(0, 2), sha256="a" * 64, schema=SCHEMA)
    with Staging(write_engine, resource_id, SCHEMA) as staged:
        for first in range(0, 30_000, 10_000):
            staged.take(rows(first, 10_000))
        if ended:
            staged.end()
            staged.finished("b" * 64)
    assert hidden(write_engine, resource_id) == ["a" * 64]
    assert search(resource_id)["total"] == 2


def test_a_statement_that_still_runs_is_ended(write_engine: Engine, resource_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def for_ever(connection: Any, *_args: object) -> None:
        connection.execute(text("SELECT pg_sleep(60)"))

    monkeypatch.setattr(datastore, "build_hidden", for_ever)
    started = time.monotonic()
    with Staging(write_engine, resource_id, SCHEMA) as staged:
        staged.take(rows(0, 1))
        time.sleep(0.3)
    assert time.monotonic() - started < 10


def test_what_went_wrong_is_told_and_the_check_does_not_wait_for_it(write_engine: Engine, resource_id: str) -> None:
    wrong = rows(0, 1).rename_columns(["_code", "sum"])
    with Staging(write_engine, resource_id, SCHEMA) as staged:
        for _ in range(WAITING * 3):
            staged.take(wrong)
        staged.end()
        with pytest.raises(UnfitName):
            staged.finished("b" * 64)
    assert hidden(write_engine, resource_id) == []

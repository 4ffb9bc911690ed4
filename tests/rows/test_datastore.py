"""A version in DataStore: CKAN's own actions read it as if CKAN had made the table."""

from __future__ import annotations

import threading
import time
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from ckan import model
from ckan.tests.helpers import call_action
from ckanext.kzopen.rows import altering, datastore, indexing
from ckanext.kzopen.rows.shapes import UnfitName
from ckanext.kzopen.rows.store import PLACE
from psycopg2.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.engine import Engine

pytestmark = pytest.mark.usefixtures("with_request_context")

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "bin", "type": "string", "title_translated": {"kk": "БСН", "ru": "БИН", "en": "BIN"}},
        {"name": "name", "type": "string", "title": "Атауы", "description": "Толық атауы"},
        {"name": "sum", "type": "number", "indexed": True},
        {"name": "day", "type": "date"},
        {"name": "at", "type": "datetime"},
        {"name": "open", "type": "time"},
        {"name": "year", "type": "year"},
        {"name": "active", "type": "boolean"},
        {"name": "exact", "type": "number"},
        {"name": "place", "type": "geojson"},
    ],
    "primaryKey": "bin",
}
TABLE = pa.table(
    {
        "bin": ["000140000012", "990240000415"],
        "name": ['«Жетісу» ЖШС, "су"\nқұбыры', ""],
        "sum": [10.5, None],
        "day": pa.array([date(2024, 1, 31), None]),
        "at": pa.array([datetime(2024, 1, 31, 14, 30), None], pa.timestamp("us")),
        "open": pa.array([clock(9, 0), None], pa.time64("us")),
        "year": pa.array([2024, None], pa.int64()),
        "active": [True, None],
        "exact": pa.array([Decimal("12345678901234567.89"), None], pa.decimal128(38, 2)),
        "place": ['{"type": "Point", "coordinates": [76.9, 43.2]}', None],
    }
)


def load(engine: Engine, resource_id: str, table: pa.Table = TABLE, schema: dict[str, Any] = SCHEMA, **more: Any) -> None:
    with engine.begin() as connection:
        datastore.load(connection, resource_id, table, sha256=more.pop("sha256", "0" * 64), schema=schema, **more)


def search(resource_id: str, **query: Any) -> dict[str, Any]:
    return call_action("datastore_search", resource_id=resource_id, **query)


def test_a_table_of_another_version_is_not_changed(write_engine: Engine, resource_id: str) -> None:
    small = {"fields": [{"name": "bin", "type": "string"}]}
    load(write_engine, resource_id, pa.table({"bin": ["a", "b"]}), small, sha256="1" * 64)
    third = pa.table({PLACE: pa.array([2], pa.int64()), "bin": ["third"]})
    for was, done, seen in (("2" * 64, False, ["a", "b"]), ("1" * 64, True, ["a", "third"])):
        with write_engine.begin() as connection:
            assert altering.change(connection, resource_id, third, was=was, rows=2, sha256="3" * 64) is done
        assert [row["bin"] for row in search(resource_id, sort="_id")["records"]] == seen
    with write_engine.begin() as connection:
        assert datastore.mark(connection, resource_id) == "3" * 64


def test_datastore_search_gives_every_value_exactly(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    assert search(resource_id)["records"] == [
        {
            "_id": 1,
            "bin": "000140000012",
            "name": '«Жетісу» ЖШС, "су"\nқұбыры',
            "sum": 10.5,
            "day": "2024-01-31",
            "at": "2024-01-31T14:30:00.000",
            "open": "09:00:00",
            "year": 2024,
            "active": True,
            "exact": 12345678901234567.89,
            "place": {"type": "Point", "coordinates": [76.9, 43.2]},
        },
        {"_id": 2, "bin": "990240000415", "name": ""}
        | dict.fromkeys(["sum", "day", "at", "open", "year", "active", "exact", "place"]),
    ]


def test_types_and_labels_are_told_with_the_rows(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    fields = {field["id"]: field for field in search(resource_id)["fields"]}
    assert [field["type"] for field in fields.values()] == [
        "int", "text", "text", "numeric", "date", "timestamp", "time", "int8", "bool", "numeric", "jsonb",
    ]  # fmt: skip
    assert fields["bin"]["info"] == {"label": "БСН", "label_kk": "БСН", "label_ru": "БИН", "label_en": "BIN"}
    assert fields["name"]["info"] == {"label": "Атауы", "notes": "Толық атауы"}


def test_datastore_info_counts_rows_and_knows_the_key(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    package = model.Package(name=f"grants-{resource_id[:8]}", state="active")
    resource = model.Resource(url="grants.csv", extras={"datastore_active": True})
    resource.id = resource_id
    package.resources_all.append(resource)
    model.Session.add(package)
    model.Session.commit()
    info = call_action("datastore_info", id=resource_id)
    assert info["meta"]["count"] == 2
    assert next(field for field in info["fields"] if field["id"] == "bin")["schema"]["is_index"]


def test_the_total_is_right_at_once_after_each_version(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    assert search(resource_id)["total"] == 2
    load(write_engine, resource_id, TABLE.slice(0, 1))
    assert search(resource_id)["total"] == 1


def test_q_finds_words_of_all_columns(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    assert [row["bin"] for row in search(resource_id, q="құбыры")["records"]] == ["000140000012"]
    assert [row["bin"] for row in search(resource_id, q="990240000415")["records"]] == ["990240000415"]


def test_filters_sort_and_keyset_pages_work(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    assert [row["_id"] for row in search(resource_id, filters={"sum": {"gt": 1}})["records"]] == [1]
    assert [row["_id"] for row in search(resource_id, sort="bin desc")["records"]] == [2, 1]
    page = search(resource_id, limit=1, include_next_page=True)
    assert [row["_id"] for row in search(resource_id, limit=1, filters=page["next_page"])["records"]] == [2]


def test_ckan_itself_can_add_rows_to_the_table_afterwards(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    with write_engine.begin() as connection:
        connection.execute(text(f"INSERT INTO \"{resource_id}\" (bin, name) VALUES ('1', 'Тараз')"))
    assert [row["_id"] for row in search(resource_id, q="тараз")["records"]] == [3]


def test_a_column_may_change_its_type_and_go_from_version_to_version(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id, pa.table({"a": ["x"], "b": [1]}), {"fields": [{"name": "a"}, {"name": "b"}]})
    load(write_engine, resource_id, pa.table({"b": ["y"], "c": [True]}), {"fields": [{"name": "b"}, {"name": "c"}]})
    assert search(resource_id)["records"] == [{"_id": 1, "b": "y", "c": True}]


def test_an_empty_table_is_a_table_with_columns(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id, TABLE.slice(0, 0))
    found = search(resource_id)
    assert (found["total"], found["records"]) == (0, [])
    assert [field["id"] for field in found["fields"]][:3] == ["_id", "bin", "name"]


def test_an_alias_shows_the_new_version(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    alias = f"alias_{resource_id[:8]}"
    with write_engine.begin() as connection:
        connection.execute(text(f'CREATE VIEW "{alias}" AS SELECT * FROM "{resource_id}"'))
    load(write_engine, resource_id, TABLE.slice(1, 1))
    assert [row["bin"] for row in search(alias)["records"]] == ["990240000415"]


def test_the_only_objects_left_carry_the_names_that_ckan_gives(write_engine: Engine, resource_id: str) -> None:
    from ckanext.datastore.backend.postgres import _generate_index_name

    for _version in range(3):
        load(write_engine, resource_id)
    with write_engine.connect() as connection:
        names = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relname LIKE :own OR relname LIKE '\\_new\\_%' OR relname = ANY(:indexes)"
            ),
            {
                "own": f"{resource_id}%",
                "indexes": [_generate_index_name(resource_id, column) for column in ('"bin"', '"sum"', '"_full_text"')],
            },
        ).scalars()
        expected = [_generate_index_name(resource_id, column) for column in ('"bin"', '"sum"', '"_full_text"')]
        assert sorted(names) == sorted([resource_id, f"{resource_id}__id_seq", f"{resource_id}_pkey", *expected])


def test_a_crash_before_the_switch_leaves_the_old_rows_and_the_next_load_cleans_up(
    write_engine: Engine, resource_id: str
) -> None:
    load(write_engine, resource_id, sha256="a" * 64)
    with write_engine.begin() as connection:
        datastore.prepare(connection, resource_id, TABLE.slice(0, 1), sha256="b" * 64, schema=SCHEMA)
    assert search(resource_id)["total"] == 2
    with write_engine.connect() as connection:
        assert datastore.loaded(connection, resource_id) == datastore.Loaded("a" * 64, 2)
    load(write_engine, resource_id, TABLE.slice(0, 1), sha256="b" * 64)
    with write_engine.connect() as connection:
        assert datastore.loaded(connection, resource_id) == datastore.Loaded("b" * 64, 1)


def test_a_rolled_back_load_changes_nothing(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    with write_engine.connect() as connection, connection.begin() as transaction:
        datastore.load(connection, resource_id, TABLE.slice(0, 1), sha256="b" * 64, schema=SCHEMA)
        transaction.rollback()
    assert search(resource_id)["total"] == 2


def test_readers_go_on_while_the_new_rows_are_prepared(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id)
    with write_engine.begin() as connection:
        prepared = datastore.prepare(connection, resource_id, TABLE.slice(0, 1), sha256="b" * 64, schema=SCHEMA)
        assert search(resource_id)["total"] == 2
        datastore.switch(connection, prepared)
    assert search(resource_id)["total"] == 1


def test_the_switch_waits_for_a_long_reader_without_stopping_others(
    write_engine: Engine, resource_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(write_engine, resource_id)
    done = threading.Event()

    def switch() -> None:
        load(write_engine, resource_id, TABLE.slice(0, 1))
        done.set()

    with write_engine.begin() as reader:
        reader.execute(text(f'SELECT * FROM "{resource_id}"')).all()
        thread = threading.Thread(target=switch)
        thread.start()
        time.sleep(0.3)
        started = time.monotonic()
        assert search(resource_id)["total"] == 2
        assert time.monotonic() - started < 1.5
        assert not done.is_set()
    thread.join(timeout=10)
    assert done.is_set()
    assert search(resource_id)["total"] == 1


def test_a_version_that_takes_the_place_of_a_withdrawn_one_meanwhile_stays(write_engine: Engine, resource_id: str) -> None:
    earlier = "2" * 64
    load(write_engine, resource_id, sha256="1" * 64)

    def drop_withdrawn() -> None:
        with write_engine.begin() as connection:
            datastore.drop_unless(connection, resource_id, lambda sha256: sha256 == earlier)

    dropping = threading.Thread(target=drop_withdrawn)
    with write_engine.begin() as connection:
        datastore.load(connection, resource_id, TABLE.slice(0, 1), sha256=earlier, schema=SCHEMA)
        dropping.start()
        dropping.join(0.5)
        assert dropping.is_alive(), "it waits until the table is in its place"
    dropping.join(10)
    with write_engine.begin() as connection:
        assert datastore.loaded(connection, resource_id) == datastore.Loaded(earlier, 1)


def test_the_switch_gives_up_in_the_end(write_engine: Engine, resource_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datastore, "LOCK_ATTEMPTS", 1)
    monkeypatch.setattr(datastore, "LOCK_TIMEOUT", "50ms")
    load(write_engine, resource_id)
    with write_engine.begin() as reader:
        reader.execute(text(f'SELECT * FROM "{resource_id}"')).all()
        with pytest.raises(LockNotAvailable):
            load(write_engine, resource_id)


def test_rows_are_looked_through_until_their_words_are_filled_in(write_engine: Engine, resource_id: str) -> None:
    load(write_engine, resource_id, full_text=False)
    assert [row["_id"] for row in search(resource_id, q="құбыры")["records"]] == [1]
    assert search(resource_id, q="ҚҰБЫР жетіс")["total"] == 1  # as written, parts of words too
    assert search(resource_id, q="100%")["records"] == []  # a wildcard stands for itself
    assert datastore.fill_full_text(write_engine, resource_id) == 2
    assert datastore.fill_full_text(write_engine, resource_id) == 0
    assert [row["_id"] for row in search(resource_id, q="құбыры")["records"]] == [1]
    assert search(resource_id, q="ҚҰБЫР жетіс")["total"] == 0  # now by words


BOUNDS = text("SELECT cardinality(histogram_bounds::text::text[]) FROM pg_stats WHERE tablename = :table AND attname = 'n'")


def test_a_large_table_has_statistics_of_a_part_at_first_and_of_all_before_its_words_are_in(
    write_engine: Engine, resource_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, schema = pa.table({"n": list(range(500))}), {"fields": [{"name": "n", "type": "integer"}]}

    def dies(*_given: object) -> None:
        raise OSError("a worker dies")

    with write_engine.begin() as connection:
        datastore.load(connection, resource_id, table, sha256="0" * 64, schema=schema, full_text=False)
        assert connection.scalar(BOUNDS, {"table": resource_id}) == 31
        assert connection.scalar(text("SHOW default_statistics_target")) == "100"
    with monkeypatch.context() as patch:
        patch.setattr(indexing, "build", dies)
        with pytest.raises(OSError, match="dies"):
            datastore.fill_full_text(write_engine, resource_id)

    with write_engine.connect() as connection:
        assert connection.scalar(BOUNDS, {"table": resource_id}) == 101


def test_a_table_of_two_hundred_columns_can_be_loaded_and_searched(write_engine: Engine, resource_id: str) -> None:
    table = pa.table({f"c{number}": [f"word{number}"] for number in range(200)})
    load(write_engine, resource_id, table, {"fields": [{"name": name} for name in table.column_names]})
    assert search(resource_id, q="word199")["total"] == 1


def test_not_a_number_and_infinity_survive(write_engine: Engine, resource_id: str) -> None:
    table = pa.table({"x": [float("nan"), float("inf"), -0.0]})
    load(write_engine, resource_id, table, {"fields": [{"name": "x", "type": "number"}]})
    with write_engine.connect() as connection:
        assert connection.execute(text(f'SELECT x::text FROM "{resource_id}" ORDER BY _id')).scalars().all() == [
            "NaN",
            "Infinity",
            "0",
        ]


@pytest.mark.parametrize("name", ["_id", "", " a", 'a"b', "a\nb", "ә" * 32])
def test_a_name_that_datastore_cannot_hold_is_refused(write_engine: Engine, resource_id: str, name: str) -> None:
    with pytest.raises(UnfitName):
        load(write_engine, resource_id, pa.table({name: [1]}), {"fields": [{"name": name}]})


def test_a_resource_without_a_table_holds_nothing(write_engine: Engine, resource_id: str) -> None:
    with write_engine.connect() as connection:
        assert datastore.loaded(connection, resource_id) is None

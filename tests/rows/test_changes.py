"""A table that is stored as a base and changes is the table that the same deliveries make of a whole one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ckanext.kzopen.rows import changes, store
from ckanext.kzopen.rows.chain import Link
from ckanext.kzopen.rows.changes import Changed
from ckanext.kzopen.rows.reading import Table
from ckanext.kzopen.rows.store import PLACE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.core.files.conftest import address, bucket, s3_endpoint

__all__ = ["address", "bucket", "s3_endpoint"]

SCHEMA = pa.schema([("code", pa.string()), ("amount", pa.int64())])
Rows = dict[str, int | None]


def table(rows: Rows) -> pa.Table:
    return pa.table({"code": list(rows), "amount": list(rows.values())}, schema=SCHEMA)


class Chain:
    """A table at an address of files that grows by changes."""

    def __init__(self, url: str, rows: Rows) -> None:
        self.url = url
        first = store.write_version(self.url, "grants", 1, table(rows))
        self.links = [Link(None, 1, first.path, first.rows)]
        self.tables = [self.last(len(rows))]

    def last(self, rows: int) -> Table:
        return Table(self.url, tuple(self.links), rows)

    def add(self, changed: Changed) -> Table:
        number = len(self.links)
        stored = store.write_changes(self.url, "grants", number, number + 1, changed.table)
        self.links.append(Link(number, number + 1, stored.path, stored.rows))
        self.tables.append(self.last(changed.rows))
        return self.tables[-1]


def pairs(read: Any) -> list[tuple[str, int | None]]:
    return [(row["code"], row["amount"]) for row in read.to_pylist()]


@pytest.fixture
def abc(address: str) -> Chain:
    """The same on the disk, and in a bucket."""
    return Chain(address, {"a": 1, "b": 2, "c": None, "d": 4})


def test_known_keys_keep_their_places_and_new_ones_come_last(abc: Chain) -> None:
    changed = changes.upserted(abc.tables[-1], table({"x": 9, "b": 7, "c": None}), ["code"])
    assert changed.table.to_pylist() == [{"code": "b", "amount": 7, PLACE: 2}, {"code": "x", "amount": 9, PLACE: 5}]
    found = changed.difference
    assert (found.added, found.changed, found.unchanged, found.removed) == (1, 1, 3, 0)
    assert found.changed_fields == {"amount": 1}
    assert pairs(abc.add(changed).read()) == [("a", 1), ("b", 7), ("c", None), ("d", 4), ("x", 9)]


def test_the_last_rows_take_the_places_of_deleted_ones(abc: Chain) -> None:
    changed = changes.deleted(abc.tables[-1], pa.table({"code": ["a", "c", "no such"]}), ["code"])
    assert changed.table.to_pylist() == [{"code": "d", "amount": 4, PLACE: 1}]
    assert (changed.rows, changed.difference.removed, changed.difference.unchanged) == (2, 2, 2)
    assert changed.difference.removed_rows == ({"code": "a", "amount": 1}, {"code": "c", "amount": None})
    assert pairs(abc.add(changed).read()) == [("d", 4), ("b", 2)]


def test_appended_rows_come_last_and_known_keys_clash(abc: Chain) -> None:
    changed = changes.appended(abc.tables[-1], table({"x": 9, "d": 1, "a": 1}), ["code"])
    assert changed.clashes == (1, 2)
    assert changes.appended(abc.tables[-1], table({"x": 9}), ["code"]).clashes == ()
    assert pairs(abc.add(changes.appended(abc.tables[-1], table({"a": 5}), [])).read())[-1] == ("a", 5)


def test_rows_are_found_by_their_numbers(abc: Chain) -> None:
    abc.add(changes.upserted(abc.tables[-1], table({"b": 7, "x": 9}), ["code"]))
    assert pairs(abc.tables[-1].taken([2, 4, 5])) == [("b", 7), ("d", 4), ("x", 9)]
    assert pairs(abc.tables[-1].taken([])) == []


def test_columns_can_be_read_alone(abc: Chain) -> None:
    abc.add(changes.upserted(abc.tables[-1], table({"b": 7}), ["code"]))
    assert abc.tables[-1].read(["amount"]).to_pydict() == {"amount": [1, 7, None, 4]}
    assert [batch.num_rows for batch in abc.tables[-1].batches(size=3)] == [3, 1]


def test_a_table_that_loses_all_rows_has_its_columns_and_can_grow_again(abc: Chain) -> None:
    abc.add(changes.deleted(abc.tables[-1], pa.table({"code": ["a", "b", "c", "d"]}), ["code"]))
    assert abc.tables[-1].read().equals(SCHEMA.empty_table())
    abc.add(changes.upserted(abc.tables[-1], table({"c": 3}), ["code"]))
    assert pairs(abc.tables[-1].read()) == [("c", 3)]


KEYS = st.sampled_from("abcdefgh")
SENT = st.dictionaries(KEYS, st.one_of(st.none(), st.integers(0, 3)), min_size=1, max_size=6)
STEPS = st.lists(st.tuples(st.sampled_from(["upsert", "delete", "append"]), SENT), max_size=6)


@given(SENT, STEPS)
@settings(deadline=None, max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_deliveries_leave_the_rows_that_a_dictionary_would_have(
    tmp_path_factory: pytest.TempPathFactory, first: Rows, steps: list[tuple[str, Rows]]
) -> None:
    chain, expected = Chain(f"file://{tmp_path_factory.mktemp('chain')}", first), [dict(first)]
    for mode, sent in steps:
        now, old = dict(expected[-1]), chain.tables[-1]
        if mode == "append":
            sent = {key: value for key, value in sent.items() if key not in now}
        if mode == "delete":
            changed = changes.deleted(old, table(sent).select(["code"]), ["code"])
            now = {key: value for key, value in now.items() if key not in sent}
        else:
            changed = (changes.appended if mode == "append" else changes.upserted)(old, table(sent), ["code"])
            now |= sent
        told, was = changed.difference, expected[-1]
        assert (told.added, told.removed) == (len(now.keys() - was.keys()), len(was.keys() - now.keys()))
        assert told.changed == sum(was[key] != now[key] for key in now.keys() & was.keys())
        assert told.added + told.changed + told.unchanged == changed.rows == len(now)
        chain.add(changed)
        expected.append(now)
    for read, rows in zip(chain.tables, expected, strict=True):
        assert dict(pairs(read.read())) == rows
        assert pa.concat_tables(read.batches(size=2)).equals(read.read())


def test_a_file_of_changes_does_not_carry_the_whole_schema(abc: Chain) -> None:
    abc.add(changes.upserted(abc.tables[-1], table({"b": 7}), ["code"]))
    assert pq.read_schema(store.file_of(abc.url, abc.links[-1].path)).metadata is None
    assert [a.number for a, b in pairwise(abc.links) if b.since != a.number] == []


def test_small_tables_and_large_deliveries_are_stored_whole() -> None:
    assert not changes.pays(19_999, 1)
    assert changes.pays(20_000, 2_000)
    assert not changes.pays(20_000, 2_001)

"""What changed between two versions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
from ckanext.kzopen.rows.diff import Change, compare
from hypothesis import given, settings
from hypothesis import strategies as st

OLD = pa.table({"code": ["01", "02", "03"], "name": ["Абай", "Ақмола", None], "sum": [1.0, 2.0, 3.0]})


def test_rows_are_added_changed_and_removed_by_their_key() -> None:
    new = pa.table({"code": ["04", "02", "01"], "name": ["Жетісу", "Ақмола облысы", "Абай"], "sum": [4.0, 2.5, 1.0]})
    found = compare(OLD, new, ["code"])
    assert (found.added, found.changed, found.removed, found.unchanged) == (1, 1, 1, 1)
    assert found.added_rows == ({"code": "04", "name": "Жетісу", "sum": 4.0},)
    assert found.removed_rows == ({"code": "03", "name": None, "sum": 3.0},)
    assert found.changed_rows == (Change({"code": "02"}, {"name": ("Ақмола", "Ақмола облысы"), "sum": (2.0, 2.5)}),)
    assert found.changed_fields == {"name": 1, "sum": 1}


def test_a_value_that_appears_or_disappears_is_a_change() -> None:
    new = pa.table({"code": ["01", "02", "03"], "name": [None, "Ақмола", "Алматы"], "sum": [1.0, 2.0, 3.0]})
    assert compare(OLD, new, ["code"]).changed_fields == {"name": 2}


def test_without_a_key_whole_rows_are_compared_and_repeats_are_counted() -> None:
    old = pa.table({"a": [1, 1, 2]})
    new = pa.table({"a": [1, 2, 2, 3]})
    found = compare(old, new, [])
    assert (found.added, found.changed, found.removed, found.unchanged) == (2, 0, 1, 2)


def test_a_key_that_repeats_falls_back_to_whole_rows() -> None:
    old = pa.table({"k": [1, 1], "v": ["a", "b"]})
    new = pa.table({"k": [1, 1], "v": ["a", "c"]})
    found = compare(old, new, ["k"])
    assert (found.added, found.changed, found.removed, found.unchanged) == (1, 0, 1, 1)


def test_new_and_dropped_columns_are_named_and_not_compared() -> None:
    new = OLD.drop_columns(["sum"]).append_column("year", pa.array([2024, 2024, 2024]))
    found = compare(OLD, new, ["code"])
    assert (found.columns_added, found.columns_removed, found.unchanged) == (("year",), ("sum",), 3)


def test_a_column_that_changed_its_type_is_compared_as_text() -> None:
    old = pa.table({"k": [1, 2], "v": pa.array(["7", "x"])})
    new = pa.table({"k": [1, 2], "v": pa.array([7, 8], pa.int64())})
    assert compare(old, new, ["k"]).changed_rows == (Change({"k": 2}, {"v": ("x", "8")}),)


def test_samples_are_limited_and_counts_are_not() -> None:
    found = compare(pa.table({"k": pa.array([], pa.int64())}), pa.table({"k": range(100)}), ["k"], samples=3)
    assert (found.added, len(found.added_rows)) == (100, 3)


def test_the_first_version_is_all_added() -> None:
    assert compare(OLD.slice(0, 0), OLD, ["code"]).added == 3


def test_the_difference_becomes_json() -> None:
    old = pa.table({"k": [1], "d": [date(2024, 1, 31)], "m": pa.array([Decimal("1.10")], pa.decimal128(5, 2))})
    new = pa.table({"k": [1], "d": [date(2024, 2, 1)], "m": pa.array([Decimal("1.20")], pa.decimal128(5, 2))})
    told = compare(old, new, ["k"]).to_dict()
    assert told["changed_rows"] == [{"key": {"k": 1}, "fields": {"d": ["2024-01-31", "2024-02-01"], "m": ["1.10", "1.20"]}}]


ROWS = st.dictionaries(st.integers(0, 20), st.one_of(st.none(), st.integers(0, 3)), max_size=15)


@given(ROWS, ROWS)
@settings(deadline=None)
def test_counts_by_key_are_those_of_dictionaries(old: dict[int, int | None], new: dict[int, int | None]) -> None:
    def table(rows: dict[int, int | None]) -> pa.Table:
        return pa.table({"k": pa.array(list(rows), pa.int64()), "v": pa.array(list(rows.values()), pa.int64())})

    found = compare(table(old), table(new), ["k"])
    both = old.keys() & new.keys()
    changed = sum(old[key] != new[key] for key in both)
    assert (found.added, found.removed) == (len(new.keys() - old.keys()), len(old.keys() - new.keys()))
    assert (found.changed, found.unchanged) == (changed, len(both) - changed)

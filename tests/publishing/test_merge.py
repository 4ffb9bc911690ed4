"""What becomes of a table when rows are delivered in each mode."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from ckanext.kzopen.publishing.merge import Merged, OtherColumns, merged
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = pa.schema([("code", pa.string()), ("sum", pa.decimal128(12, 2)), ("day", pa.date32())])


def table(*rows: tuple[str, str | None]) -> pa.Table:
    """Rows of a code and a sum; the day is always the same."""
    given = [
        {"code": code, "sum": None if amount is None else Decimal(amount), "day": date(2026, 1, 31)} for code, amount in rows
    ]
    return pa.Table.from_pylist(given, schema=SCHEMA)


def rows(made: Merged) -> list[tuple[str, str | None]]:
    assert made.table.schema.types == SCHEMA.types
    return [(row["code"], None if row["sum"] is None else str(row["sum"])) for row in made.table.to_pylist()]


OLD = table(("a", "1.00"), ("b", "2.50"), ("c", None))


def test_replace_leaves_only_what_was_sent() -> None:
    assert rows(merged("replace", OLD, table(("x", "9.00")), ["code"])) == [("x", "9.00")]


@pytest.mark.parametrize("mode", ["replace", "append", "upsert"])
def test_the_first_delivery_is_the_table_whatever_the_mode(mode: str) -> None:
    assert rows(merged(mode, None, OLD, ["code"])) == [("a", "1.00"), ("b", "2.50"), ("c", None)]


def test_append_adds_rows_at_the_end() -> None:
    assert rows(merged("append", OLD, table(("x", "9.00")), ["code"])) == [
        ("a", "1.00"),
        ("b", "2.50"),
        ("c", None),
        ("x", "9.00"),
    ]


def test_append_tells_which_sent_rows_have_a_key_that_is_there() -> None:
    assert merged("append", OLD, table(("x", "9.00"), ("c", "1.00"), ("a", "1.00")), ["code"]).clashes == (1, 2)


def test_append_without_a_key_may_repeat_rows() -> None:
    made = merged("append", OLD, table(("a", "1.00")), [])

    assert made.clashes == ()
    assert made.table.num_rows == 4


def test_upsert_keeps_the_place_of_known_rows() -> None:
    assert rows(merged("upsert", OLD, table(("x", "9.00"), ("b", None)), ["code"])) == [
        ("a", "1.00"),
        ("b", None),
        ("c", None),
        ("x", "9.00"),
    ]


def test_delete_takes_the_sent_keys_away_and_passes_over_unknown_ones() -> None:
    keys = pa.table({"code": ["b", "no such"]})

    assert rows(merged("delete", OLD, keys, ["code"])) == [("a", "1.00"), ("c", None)]


def test_rows_are_not_mixed_with_a_version_that_has_other_columns() -> None:
    with pytest.raises(OtherColumns):
        merged("append", OLD, pa.table({"code": ["x"]}), ["code"])


codes = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["1.00", "2.00"])), unique_by=lambda row: row[0])


@given(codes, codes)
def test_upsert_is_what_a_dictionary_does(before: list[tuple[str, str]], sent: list[tuple[str, str]]) -> None:
    made = merged("upsert", table(*before), table(*sent), ["code"])

    assert rows(made) == list((dict(before) | dict(sent)).items())


@given(codes, codes)
def test_delete_is_what_a_filter_does(before: list[tuple[str, str]], sent: list[tuple[str, str]]) -> None:
    keys = pa.table({"code": pa.array([code for code, _ in sent], pa.string())})

    gone = {code for code, _ in sent}
    assert rows(merged("delete", table(*before), keys, ["code"])) == [row for row in before if row[0] not in gone]

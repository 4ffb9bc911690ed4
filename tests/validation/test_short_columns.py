"""Short columns are judged in Python, long ones by polars: both judge alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import polars as pl
import pyarrow as pa
import pytest
from ckanext.kzopen.publishing import personal
from ckanext.kzopen.validation import short
from ckanext.kzopen.validation.cells import Cells, Reading
from ckanext.kzopen.validation.check import check_cells
from ckanext.kzopen.validation.infer import schema_for
from ckanext.kzopen.validation.repairs.columns import mended, repairs_of
from ckanext.kzopen.validation.repairs.model import OF_COLUMNS
from ckanext.kzopen.validation.repairs.suggest import offered
from ckanext.kzopen.validation.repairs.wants import Want
from ckanext.kzopen.validation.schema import compiled
from hypothesis import example, given, settings
from hypothesis import strategies as st

ODD = ["", " ", "-", "нет", "н/д", "a\n", "12\n", " 7", "7 ", "Аlма", "алмa", "000120", "12.0", "1,5", "1,500", "1 500", "٣"]
PLAIN = ["1", "2", "17", "2024", "1.5", "-3", "5e3", "2024-01-31", "31.12.2024", "31/12/2024", "2024-02-31", "12:30", "true"]
WORDS = [
    "Алматы",
    "Итого",
    "Барлығы",
    "Всего",
    "Total: 5",
    "код",
    "{}",
    '{"a": 1}',
    "".join(("880101", "300123")),
    "+7 701 123 45 67",
    "a@b.kz",
]
TEXTS = st.sampled_from([*ODD, *PLAIN, *WORDS]) | st.text("аяAz09 .,-+/\n\u00a0", max_size=6)
LABELS = st.sampled_from(["код", "год", "БИН", "name", "сумма", "id", ""])
KINDS = st.sampled_from(["text", "code", "number", "whole", "date", "boolean", "other"])


@st.composite
def tables(draw: st.DrawFn) -> Cells:
    """A table of text; in half of them each column has few different values."""
    width, height, alike = draw(st.integers(1, 4)), draw(st.integers(0, 12)), draw(st.booleans())
    columns = []
    for _ in range(width):
        among = st.sampled_from(draw(st.lists(TEXTS, min_size=1, max_size=3))) if alike else TEXTS
        columns.append(pl.Series(draw(st.lists(among | st.none(), min_size=height, max_size=height)), dtype=pl.String))
    labels = draw(st.lists(LABELS, min_size=width, max_size=width))
    return Cells(labels, columns, pl.Series(range(2, height + 2), dtype=pl.UInt32), Reading("csv"))


def both_ways(judge: Callable[[], Any]) -> tuple[Any, Any]:
    """What is said of a short column, and of the same one taken for a long one."""
    said = judge()
    with patch.object(short, "FEW", -1), patch.object(personal, "FEW", -1):
        return said, judge()


@settings(deadline=None)
@given(tables())
def test_columns_get_the_same_types(cells: Cells) -> None:
    quick, slow = both_ways(lambda: schema_for(cells))
    assert quick == slow


@settings(deadline=None)
@given(tables())
def test_tables_are_offered_the_same_repairs(cells: Cells) -> None:
    quick, slow = both_ways(lambda: offered(cells))
    assert quick == slow


@settings(deadline=None)
@given(tables(), st.sampled_from(["string", "integer", "date"]))
def test_the_report_shows_the_same_rows(cells: Cells, kind: str) -> None:
    names = [f"c{number}" for number in range(len(cells.labels))]
    known = replace(cells, labels=names)
    schema = {"fields": [{"name": name, "type": kind} for name in names]}
    quick, slow = both_ways(lambda: check_cells(known, schema, compiled(schema), 1000, suggest=True).report)
    assert quick == slow


@settings(deadline=None)
@given(
    st.lists(TEXTS | st.none(), max_size=12), KINDS, st.sampled_from([None, 3, 12]), st.lists(TEXTS, max_size=3), st.booleans()
)
@example(["12\n"], "code", None, [], True)
def test_cells_are_mended_alike(texts: list[str | None], kind: str, length: int | None, wrong: list[str], free: bool) -> None:
    column = pl.Series(texts, dtype=pl.String)
    want = Want(kind, length, wrong=None if free else pl.Series(wrong, dtype=pl.String))
    quick, slow = both_ways(lambda: (repairs_of(column, want, "a", 1), mended(column, want, OF_COLUMNS).to_list()))
    assert quick == slow


@settings(deadline=None)
@given(st.lists(TEXTS | st.none(), max_size=12))
def test_the_same_personal_data_are_found(texts: list[str | None]) -> None:
    table = pa.table({"a": pa.array(texts, pa.string())})
    quick, slow = both_ways(lambda: personal.found(table, {"fields": [{"name": "a"}]}))
    assert quick == slow


@pytest.mark.parametrize(("rows", "is_short"), [(200, True), (201, False)])
def test_two_hundred_values_are_few(rows: int, is_short: bool) -> None:
    assert short.is_short(pl.Series(["1"] * rows)) is is_short

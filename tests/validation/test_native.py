"""Numbers of a spreadsheet as text: the fast way writes what the slow way writes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from ckanext.kzopen.validation import native
from ckanext.kzopen.validation.native import _plain_numbers, _text, as_text
from frictionless import Field
from hypothesis import given, settings
from hypothesis import strategies as st

NUMBER = Field.from_descriptor({"name": "n", "type": "number", "decimalChar": ","})
NUMBERS = st.one_of(st.none(), st.integers(-(10**17), 10**17), st.floats(allow_nan=True), st.floats(-1e6, 1e6))


@given(st.lists(NUMBERS, max_size=8))
@settings(deadline=None)
def test_columns_of_numbers_are_written_alike(values: list[int | float | None]) -> None:
    slow = [None if value is None else _text(value, NUMBER) for value in values]
    fast = _plain_numbers(values, NUMBER)
    assert as_text(values, NUMBER).to_list() == slow
    assert fast is None or fast.to_list() == slow


def test_ordinary_numbers_take_the_fast_way() -> None:
    found = _plain_numbers([1, 2.0, None, -0.5, 161140023016.0], NUMBER)
    assert found is not None
    assert found.to_list() == ["1", "2", None, "-0,5", "161140023016"]


@pytest.mark.parametrize(("value", "text"), [(1e300, "1" + "0" * 300), (1e-7, "0,0000001"), (10**18, "1" + "0" * 18)])
def test_very_large_and_small_numbers_have_no_exponent(value: float, text: str) -> None:
    assert as_text([value], NUMBER).to_list() == [text]


def test_texts_are_taken_as_they_are() -> None:
    assert as_text(["a", None, ""], NUMBER).equals(pl.Series(["a", None, ""], dtype=pl.String))


@given(st.lists(NUMBERS | st.text(max_size=3), max_size=8))
@settings(deadline=None)
def test_texts_among_numbers_stay_and_the_numbers_are_written_as_without_them(values: list[int | float | str | None]) -> None:
    assert as_text(values, NUMBER).to_list() == [None if value is None else _text(value, NUMBER) for value in values]


def test_a_text_among_numbers_does_not_slow_down_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_text", lambda value, field: pytest.fail(f"{value!r} was written by itself"))
    assert as_text([1.5, "n/a", 2, None], NUMBER).to_list() == ["1,5", "n/a", "2", None]


DAYS = st.dates(min_value=date(1000, 1, 1))
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1)) | DAYS.map(lambda day: datetime(day.year, day.month, day.day, 12, 5))
FORMS = ["default", "any", "%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d %H:%M:%S", "%d %B %Y"]


@given(
    st.lists(st.none() | DAYS | MOMENTS | st.dates(), max_size=8),
    st.sampled_from(["date", "datetime", "string"]),
    st.sampled_from(FORMS),
)
@settings(deadline=None)
def test_a_column_of_days_and_moments_is_written_as_each_of_them_is(values: list[Any], kind: str, form: str) -> None:
    field = Field.from_descriptor({"name": "when", "type": kind} | ({} if kind == "string" else {"format": form}))
    assert as_text(values, field).to_list() == [None if value is None else _text(value, field) for value in values]

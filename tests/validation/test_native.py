"""Numbers of a spreadsheet as text: the fast way writes what the slow way writes."""

from __future__ import annotations

import polars as pl
import pytest
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

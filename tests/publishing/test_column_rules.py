"""The rules of columns are read as the check of files reads them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from ckanext.kzopen.publishing import column_rules
from frictionless import Field
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

COLUMNS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("string", "integer", "number", "boolean", "date", "time", "datetime", "year", "yearmonth")),
    {"type": "number", "decimalChar": ",", "groupChar": " "},
    {"type": "number", "decimalChar": ","},
    {"type": "boolean", "trueValues": ["иә"], "falseValues": ["жоқ"]},
    {"type": "date", "format": "%d.%m.%Y"},
    {"type": "time", "format": "%H:%M"},
    {"type": "datetime", "format": "%d.%m.%Y %H:%M"},
]
WRITTEN = [
    *("", " ", "a", "иә", "жоқ", "true", "TRUE", "yes", "0", "1", " 1 ", "-5", "1.5", "1,5", "1 000,5", "1e3", "12a", "٣"),
    *("2026", "999", "2026-01", "2026-13", "2026-01-31", "2026-02-30", "31.01.2026", "14:30", "14:30:00", "24:61:00"),
    *("2026-01-31T14:30:00", "2026-01-31 14:30:00", "2026-01-31T14:30:00Z", "2026-01-31T14:30", "31.01.2026 14:30"),
    *(True, False, 0, 1, 2026, 10_000, -1, 1.0, 1.5, None, [], [1, 2, 3], {}, {"a": 1}),
]

SIMPLE = st.none() | st.booleans() | st.floats() | st.text()
JSON = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


def frictionless(value: Any, column: dict[str, Any]) -> Any:
    return Field.from_descriptor({"name": "a", **column}).create_value_reader()(value)


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_a_value_fits_here_where_it_fits_a_file(column: dict[str, Any]) -> None:
    here = {str(value): column_rules.read(value, {"name": "a", **column}) is not None for value in WRITTEN}

    assert here == {str(value): frictionless(value, column) is not None for value in WRITTEN}


@settings(max_examples=40)
@given(value=st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.datetimes().map(datetime.isoformat)))
@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_nothing_that_a_file_may_hold_is_refused_as_a_rule(column: dict[str, Any], value: Any) -> None:
    if column_rules.read(value, {"name": "a", **column}) is None:
        assert frictionless(value, column) is None


@settings(max_examples=20)
@given(value=JSON)
@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_whatever_stands_in_a_rule_is_refused_or_taken(column: dict[str, Any], value: Any) -> None:
    for rule in (*column_rules.BOUNDS, *column_rules.SHAPES, "other"):
        with suppress(PydanticCustomError):  # any other exception would be an answer 500
            column_rules.refuse({"name": "a", **column, "constraints": {rule: value}})

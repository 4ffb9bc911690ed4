"""What CKAN's API writes through orjson is read back as what simplejson would have written."""

from __future__ import annotations

import json
from collections import OrderedDict, namedtuple
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import simplejson
from ckan.lib.lazyjson import LazyJSONObject
from ckan.views.api import _json_serial
from ckanext.kzopen.search.quick_json import Quick
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

QUICK = Quick(simplejson)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)
Pair = namedtuple("Pair", "left right")


class Told:
    def for_json(self) -> Any:
        return {"told": 1}


SPECIAL = [
    datetime(2024, 2, 29, 10, 30),
    datetime(2024, 2, 29, 10, 30, 0, 782000, tzinfo=UTC),
    Markup("<b>"),
    OrderedDict(b=1, a=[2]),
    Pair(1, "two"),
    LazyJSONObject('{"raw": [1, 2]}'),
    Told(),
    Decimal("1.50"),
    {1: "a key that is a number"},
    2**70,
    "Қазақстан".encode(),
]


def written(value: Any) -> Any:
    return json.loads(QUICK.dumps({"result": value}, default=_json_serial, for_json=True))


def of_simplejson(value: Any) -> Any:
    return json.loads(simplejson.dumps({"result": value}, default=_json_serial, for_json=True))


@given(values)
def test_plain_values_are_written_alike(value: Any) -> None:
    assert written(value) == of_simplejson(value)


@pytest.mark.parametrize("value", SPECIAL, ids=lambda value: type(value).__name__)
def test_special_values_are_written_alike(value: Any) -> None:
    assert written([value, {"in": value}]) == of_simplejson([value, {"in": value}])


def test_what_cannot_be_written_is_refused_as_before() -> None:
    with pytest.raises(TypeError):
        QUICK.dumps({"result": object()}, default=_json_serial, for_json=True)


def test_letters_stay_letters() -> None:
    assert QUICK.dumps({"title": "Қазақстан"}, for_json=True) == '{"title":"Қазақстан"}'


@given(values)
def test_what_was_stored_is_read_alike(value: Any) -> None:
    text = json.dumps(value)
    numbers_fit = not any(abs(number) >= 2**63 for number in _integers(value))
    if numbers_fit:
        assert QUICK.loads(text) == json.loads(text)


def _integers(value: Any) -> list[int]:
    if isinstance(value, list | tuple):
        return [number for one in value for number in _integers(one)]
    if isinstance(value, dict):
        return _integers(list(value.values()))
    return [value] if isinstance(value, int) else []


@pytest.mark.parametrize("text", ["[NaN]", '"\\ud800"', "{"])
def test_what_orjson_refuses_is_left_to_what_was_there_before(text: str) -> None:
    def outcome(reader: Any) -> str:
        try:
            return repr(reader.loads(text))
        except ValueError as error:
            return f"refused: {error}"

    assert outcome(Quick(json)) == outcome(json)


def test_the_api_answers_in_letters(app: Any) -> None:
    told = app.post("/api/3/action/status_show", json={"word": "Қазақстан"})
    assert (told.status_code, " " in told.body.split('"help":')[0]) == (200, False), told.body[:80]

"""Canonical JSON, against the vectors of RFC 8785."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from ckanext.kzopen.core.record.canonical import canonical
from hypothesis import given
from hypothesis import strategies as st

from tests.core.record.vectors import NUMBERS, PRIMITIVES, SORTED

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


@pytest.mark.parametrize("bits", NUMBERS)
def test_numbers_are_told_as_the_rfc_lists_them(bits: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number).decode() == NUMBERS[bits]


def test_members_are_sorted_by_utf16() -> None:
    assert list(json.loads(canonical(json.loads(SORTED["given"]))).values()) == SORTED["values"]


def test_literals_numbers_and_escapes_are_those_of_the_rfc() -> None:
    assert canonical(json.loads(PRIMITIVES["given"])).decode() == PRIMITIVES["canonical"]


@given(values)
def test_the_canonical_text_means_the_same_and_is_its_own_canonical_text(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text, parse_int=float) == value
    assert canonical(json.loads(text)) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, 10**400, "\ud800", {"\ud800": 1}])
def test_what_json_cannot_tell_exactly_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(value)


@pytest.mark.parametrize("value", [object(), b"", {1: 2}, {"a": {3, 4}}])
def test_what_json_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)

"""One thing is made while the caller has the one before."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from ckanext.kzopen.core.ahead import made_ahead


def test_everything_is_made_once_and_in_order() -> None:
    assert list(made_ahead(lambda number: number * 2, range(5))) == [0, 2, 4, 6, 8]
    assert list(made_ahead(lambda number: number * 2, [])) == []


def test_the_next_is_made_while_the_caller_works_and_no_more_than_that() -> None:
    asked: list[int] = []
    made = threading.Event()

    def given() -> Iterator[int]:
        for number in range(10):
            asked.append(number)
            yield number

    def make(number: int) -> int:
        if number == 1:
            made.set()
        return number

    results = made_ahead(make, given())
    assert next(results) == 0
    assert made.wait(10), "the second is made while the first is looked at"
    assert asked == [0, 1]
    results.close()  # type: ignore[attr-defined]


def test_several_are_made_side_by_side_and_given_in_order() -> None:
    both = threading.Barrier(2, timeout=10)

    def make(number: int) -> int:
        both.wait()
        return number

    assert list(made_ahead(make, range(6), most=2, threads=2)) == [0, 1, 2, 3, 4, 5]


def test_an_error_comes_in_the_place_of_its_result() -> None:
    def make(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        return number

    results = made_ahead(make, range(3))
    assert next(results) == 0
    with pytest.raises(ValueError, match="one"):
        next(results)

"""What two checks in a row find is out of step; what only one of them finds was on its way."""

from __future__ import annotations

from ckanext.kzopen.search.health import Check


def test_only_what_both_checks_find_is_out_of_step() -> None:
    first = Check(10, missing=("a", "b"), surplus=(), different=("c",))
    later = Check(11, missing=("b", "d"), surplus=("e",), different=())
    assert first.lasting(later) == Check(11, missing=("b",), surplus=(), different=())
    assert not first.lasting(later).clean
    assert first.lasting(Check(12, missing=("d",), surplus=(), different=())).clean

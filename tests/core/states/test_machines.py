"""The machines that the product ships, and the check at the start."""

from __future__ import annotations

from pathlib import Path

import pytest
from ckanext.kzopen.core import states
from ckanext.kzopen.core.states import machines
from ckanext.kzopen.core.yaml_source import SourceError


def test_every_machine_of_the_product_is_right(letters: object) -> None:
    states.check()
    assert "delivery" in states.kinds()


def test_a_kind_without_a_file_is_named() -> None:
    with pytest.raises(LookupError, match=r"schemas/states/nothing\.yaml"):
        states.machine_of("nothing")


def test_a_guard_that_nobody_registered_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "parcel.yaml"
    path.write_text(
        "kind: parcel\nlabel: {kk: а, ru: а, en: a}\ninitial: new\n"
        "states:\n  new: {label: {kk: а, ru: а, en: a}}\n  old: {label: {kk: а, ru: а, en: a}, final: yes}\n"
        "transitions:\n  age: {from: [new], to: old, by: system, guards: [older_than_a_year]}\n"
    )
    states.register(path)
    try:
        with pytest.raises(SourceError, match=r"parcel\.yaml:8: no section has a guard 'older_than_a_year'"):
            states.check()
    finally:
        machines.forget("parcel")


def test_two_guards_may_not_have_one_name() -> None:
    states.guard("one_of_a_kind")(lambda _row, _fields, _at: None)
    with pytest.raises(ValueError, match="two guards have the name one_of_a_kind"):
        states.guard("one_of_a_kind")(lambda _row, _fields, _at: None)


def test_a_right_that_no_role_can_hold_stops_the_start(tmp_path: Path, letters: object) -> None:
    path = tmp_path / "letter.yaml"
    path.write_text((Path(__file__).parents[1] / "letter.yaml").read_text().replace("letters.answer", "letters.burn"))
    states.register(path)
    try:
        with pytest.raises(SourceError, match=r"letter\.yaml:\d+: there is no right 'letters\.burn'"):
            states.check()
    finally:
        states.register(Path(__file__).parents[1] / "letter.yaml")

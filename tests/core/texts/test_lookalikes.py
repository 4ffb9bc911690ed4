"""Letters of the wrong alphabet inside a word."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core.texts import look_alikes, repaired
from hypothesis import given
from hypothesis import strategies as st

KAZAKH = "аәбвгғдежзикқлмнңоөпрстуұүфхһцчшыі"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("қaлa", "қала"),
        ("Mинистрлiгi", "Министрлігі"),
        ("cелo Kызыл-Ту", "село Кызыл-Ту"),
        ("Ministrу", "Ministry"),
        ("ДОСТЫК 5A", "ДОСТЫК 5A"),
        ("Excel файл", "Excel файл"),
        ("ВСЕ BCE", "ВСЕ BCE"),
        ("jаз", "jаз"),
    ],
)
def test_a_look_alike_is_replaced_by_its_twin(written: str, meant: str) -> None:
    assert repaired(written) == meant


def test_a_find_names_the_word_its_place_and_the_odd_letters() -> None:
    (found,) = look_alikes("Алматы қaлaсы")
    assert (found.word, found.at, found.letters, found.repaired) == ("қaлaсы", 7, (8, 10), "қаласы")


@given(st.text(alphabet=KAZAKH + " -0123456789", max_size=60))
def test_a_text_of_one_alphabet_is_left_alone(text: str) -> None:
    assert look_alikes(text) == []


@given(st.text(alphabet=KAZAKH + "abcehikmop ", max_size=60))
def test_a_repaired_text_has_nothing_left_to_repair(text: str) -> None:
    assert look_alikes(repaired(text)) == []

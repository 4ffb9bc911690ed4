"""Letters that stand in for others come out as the ones that were meant."""

import pytest
from ckanext.kzopen.search import alphabets


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("cубсидия", "субсидия"),  # a Latin c
        ("бiлiм", "білім"),  # Latin i, as older Kazakh texts have it
        ("əкім", "әкім"),  # the schwa of phonetics
        ("ііv", "iiv"),  # a Roman number with Cyrillic letters
        ("хіv", "xiv"),
        ("іі", "ii"),
        ("budget", "budget"),
        ("бюджет", "бюджет"),
    ],
)
def test_a_word_is_in_one_alphabet(word: str, meant: str) -> None:
    assert alphabets.one_alphabet(word) == meant


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("densaulyk", "денсаулык"),
        ("zhumys", "жумыс"),
        ("auyl", "ауыл"),
        ("ayel", "айел"),
        ("bólim", "болим"),  # the script of 2018
        ("şaruaşylyğy", "шаруашылыгы"),  # the script of 2021
        ("mańyzdy", "манызды"),
        ("shkola", "школа"),
    ],
)
def test_latin_letters_have_a_cyrillic_reading(latin: str, cyrillic: str) -> None:
    assert cyrillic in alphabets.from_latin(latin)


def test_letters_that_no_latin_script_of_ours_has_are_not_read() -> None:
    assert alphabets.from_latin("straße") == []


@pytest.mark.parametrize(("typed", "meant"), [(",jkmybws", "больницы"), ("vtrntg", "мектеп"), ("ершы", "this")])
def test_the_wrong_keyboard_is_read_on_the_other(typed: str, meant: str) -> None:
    assert meant in alphabets.on_other_keyboards(typed)


def test_kazakh_letters_lie_in_the_row_of_digits() -> None:
    assert "сәлем" in alphabets.on_other_keyboards("c2ktv")


@pytest.mark.parametrize(("typed", "spelt"), [("мектептин", "мектептің"), ("балаларга", "балаларға"), ("халык", "халық")])
def test_kazakh_letters_come_back_by_the_endings(typed: str, spelt: str) -> None:
    assert alphabets.with_kazakh_letters(typed) == spelt

"""Words of three languages become the tokens under which they are found."""

import pytest
from ckanext.kzopen.search import analysis
from ckanext.kzopen.search.analysis import GAP


@pytest.mark.parametrize(
    "words",
    [
        ("Қазақстан", "казакстан", "ҚАЗАҚСТАННЫҢ"),  # Kazakh letters, and the Russian ones that stand in for them
        ("бюджет", "бюджета", "бюджеттің", "бюджеті"),  # Russian and Kazakh endings of one word
        ("мектептер", "мектеп", "мектебі"),
        ("ёлка", "елки"),
        ("больница", "больницы", "больницами"),
        ("hospital", "hospitals"),
        ("Café", "cafe"),
        ("субсидия", "cубсидия"),  # the second begins with a Latin c
    ],
)
def test_these_words_are_one_word(words: tuple[str, ...]) -> None:
    assert len({token for word in words for token in analysis.tokens(word)}) == 1


@pytest.mark.parametrize(("one", "other"), [("адам", "ад"), ("тендер", "тен"), ("дом", "дым")])
def test_these_words_stay_apart(one: str, other: str) -> None:
    assert analysis.tokens(one) != analysis.tokens(other)


def test_every_word_is_one_token_in_its_place() -> None:
    assert analysis.tokens("Budget of 2024: Алматы қаласының бюджеті, № 480-V") == [
        "budget", "of", "2024", "алмат", "кала", "бюджет", "480", "v",
    ]  # fmt: skip


def test_codes_and_numbers_are_not_stemmed() -> None:
    assert analysis.tokens("KZ120040000123 710000000") == ["kz120040000123", "710000000"]


def test_a_gap_stands_between_values() -> None:
    assert analysis.joined(["дом 1", "", "дом 2"]) == f"дом 1 {GAP} дом 2"


def test_neighbours_tell_the_language_of_a_word_that_does_not() -> None:
    assert analysis.tokens("ауданның жобасы")[1] == analysis.token("жоба")
    assert analysis.tokens("жобасы") != [analysis.token("жоба")]


def test_neighbours_of_another_language_do_not_change_a_word() -> None:
    assert analysis.tokens("больницы и школы Алматы қаласының")[0] == analysis.token("больница")


@pytest.mark.parametrize(
    "words", [("участок", "участки"), ("перечень", "перечня"), ("бiлiм", "білім"), ("клуб", "клубы"), ("край", "краи")]
)
def test_these_words_are_one_word_too(words: tuple[str, str]) -> None:
    assert analysis.tokens(words[0]) == analysis.tokens(words[1])


def test_a_name_in_latin_letters_is_spelt_as_titles_are() -> None:
    assert analysis.tokens(analysis.in_cyrillic("zhumyspen_kamtylgan_halyk1")) == analysis.tokens("жұмыспен қамтылған халық")

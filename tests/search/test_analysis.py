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

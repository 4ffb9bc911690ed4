"""Kazakh nouns lose their endings, and only these."""

import pytest
from ckanext.kzopen.search import kazakh


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("мектептер", "мектеп"),  # schools
        ("мектебі", "мектеп"),  # its school: the last consonant softens
        ("мектептерінің", "мектеп"),  # of its schools
        ("қалаларда", "қала"),  # in towns
        ("қаласының", "қала"),  # of its town
        ("облыстарындағы", "облыс"),  # in its regions
        ("облысы", "облыс"),
        ("оқушысы", "оқуш"),  # its pupil: the stem itself ends in ы, which goes too, as in оқушылар
        ("бюджетті", "бюджет"),
        ("бюджеті", "бюджет"),
        ("денсаулығы", "денсаулық"),
        ("министрлігінің", "министрлік"),
        ("адамдармен", "адам"),  # with people
        ("үйлер", "үй"),
    ],
)
def test_case_possession_and_number_are_taken_off(word: str, stem: str) -> None:
    assert kazakh.stem(word) == stem


@pytest.mark.parametrize("word", ["қазақстан", "тендер", "бухгалтер", "лидер", "жұмыссыздық", "су", "бағдарлама"])
def test_a_word_that_only_looks_inflected_stays_whole(word: str) -> None:
    assert kazakh.stem(word) == word


def test_a_country_loses_its_case() -> None:
    assert kazakh.stem("қазақстанда") == kazakh.stem("қазақстанның") == "қазақстан"

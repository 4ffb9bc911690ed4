"""Free text finds what says the same in other words, another language, another alphabet; quoted words stay as they are."""

import pytest
from ckanext.kzopen.search import analysis, lucene, synonyms, wording
from ckanext.kzopen.search.tree import Word, Words

FIELDS = (("title", 4.0), ("text", 1.0))


def _meanings(text: str) -> set[str]:
    """The other tokens, joined by spaces, that a query may be found by."""
    read = lucene.free_words(text, FIELDS, "100%")
    assert isinstance(read, Words)
    return {" ".join(also.tokens) for word in read.words for also in word.also}


def _token(text: str) -> str:
    return " ".join(analysis.tokens(text))


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("МНЭ", "министерство национальной экономики"),
        ("министерства национальной экономики", "МНЭ"),
        ("ҰЭМ", "министерство национальной экономики"),
        ("Ministry of National Economy", "ұлттық экономика министрлігі"),
        ("мектептердің", "школа"),
        ("кітапханалар", "библиотеки"),
        ("hospitals", "больница"),
        ("жұмыссыздық деңгейі", "уровень безработицы"),
        ("минздрав", "денсаулық сақтау министрлігі"),
    ],
)
def test_this_means_that(query: str, same: str) -> None:
    assert _token(same) in _meanings(query)


def test_every_word_of_a_wording_may_be_replaced_by_the_whole_other_wording() -> None:
    read = lucene.free_words("уровень безработицы", FIELDS, "100%")
    assert isinstance(read, Words)
    other = tuple(analysis.tokens("жұмыссыздық деңгейі"))
    assert [other in {also.tokens for also in word.also} for word in read.words] == [True, True]


def test_transliterated_words_are_found_in_cyrillic() -> None:
    assert _token("денсаулық") in _meanings("densaulyk")
    assert _token("шаруашылығы") in _meanings("sharuashylygy")


def test_kazakh_typed_on_a_russian_keyboard_is_found() -> None:
    assert _token("мектептің") in _meanings("мектептин")


@pytest.mark.parametrize("query", ['"мектеп"', "+мектеп", "-мектеп"])
def test_what_is_quoted_demanded_or_forbidden_has_no_other_meaning(query: str) -> None:
    assert _meanings(query) == set()


def test_a_short_name_of_two_letters_counts_in_capitals_only() -> None:
    assert _token("министерство обороны") in _meanings("МО")
    assert _token("министерство обороны") not in _meanings("мо")


def test_words_that_say_nothing_are_left_out_unless_there_are_no_others() -> None:
    assert [word.text for word in wording.understood([Word("перечень"), Word("и"), Word("of")])] == ["перечень"]
    assert [word.text for word in wording.understood([Word("и")])] == ["и"]


@pytest.mark.parametrize("code", ["480-V", "ДД-05/17", "25.06.2020", "opendata-api-uri679"])
def test_the_parts_of_a_code_stand_together(code: str) -> None:
    assert [word.phrase for word in wording.understood([Word(code)])] == [True]


def test_a_word_with_a_hyphen_is_no_code() -> None:
    assert [word.phrase for word in wording.understood([Word("ясли-сад")])] == [False]


def test_all_wordings_of_a_group_are_different_and_have_tokens() -> None:
    for groups in synonyms._groups().values():
        for group in groups:
            assert all(group), group
            assert len(set(group)) == len(group) > 1

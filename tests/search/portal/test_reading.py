"""What people type is read as well as it can be; nothing of it is an error of the portal."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.search import plugin  # noqa: F401 - announces the sentences of errors
from ckanext.kzopen.search.portal import hints, reading
from ckanext.kzopen.search.tree import All, And, Not, Phrase, Prefix, Range, Term, Words
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import examples


def test_words_are_looked_for_in_the_weighted_fields() -> None:
    read = reading.read("школы алматы")
    assert isinstance(read.node, Words)
    assert [word.text for word in read.node.words] == ["школы", "алматы"]
    assert read.hints == ()


def test_nothing_asks_for_everything() -> None:
    assert reading.read("  ").node == All()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('"бюджет города', "quotes"),
        ("(бюджет", "brackets"),
        ("бюджет)", "brackets"),
        ("бюджет AND", "operators"),
        ("OR бюджет", "operators"),
        ("бюджет AND OR города", "operators"),
        ("(бюджет OR) города", "operators"),
        ("(AND бюджет)", "operators"),
        ("неттакого:бюджет", "fields"),
        ("бюджет title:", "values"),
        ("title: бюджет", "values"),
        ("бюд* title: бюджет", "values"),
        ("бюджет [2024 TO]", "ranges"),
        ("бюджет [2024 TO 2025]", "ranges"),
        ("бюджет updated:[2024 TO]", "ranges"),
        ("бюджет updated:{2024}", "ranges"),
        ("бюджет^1.2.3", "numbers"),
        ('"бюджет"~1.5', "numbers"),
        ("бюджет~..5", "numbers"),
        ("бюджет школ* -", "syntax"),
        ("бюджет AND 'города", "syntax"),
    ],
)
def test_what_is_broken_is_read_without_it_and_told(text: str, hint: str) -> None:
    read = reading.read(text)
    assert read.hints == (hint,)
    assert "бюджет" in reading.tokens(read.node)
    for language in ("kk", "ru", "en"):
        assert len(hints.sentences(read.hints, language)[0]) > 20


@pytest.mark.parametrize(
    "text",
    [
        '"title: budget" OR "a AND OR b"',
        'updated:["2024" TO *}',
        "бюджет [проект] {копия}",
        "бюджет^1.5",
        '"бюджет города"~2',
        "a AND NOT b",
        "NOT a",
    ],
)
def test_what_is_whole_has_no_hint(text: str) -> None:
    assert reading.read(text).hints == ()


def test_a_range_that_lacks_an_end_is_read_as_its_words() -> None:
    assert reading.read("updated:[2024 TO] бюджет").node == reading.read("updated 2024 бюджет").node


@pytest.mark.parametrize("text", ["/бюд.*/", "title:/бюд[жш]ет/", "(/a|b/ OR c)", "школы /б+/ 2024"])
def test_regular_expressions_are_refused(text: str) -> None:
    with pytest.raises(KzError) as refused:
        reading.read(text)
    assert refused.value.code == "search.no_regex"


@pytest.mark.parametrize(
    "text",
    [
        "км/ч",
        "/dataset/budget/",
        "и/или*",
        '"/a.*/"',
        "https://a.kz/b?c=d/",
        "Мектептер / Школы (2024) / Schools",
        "title:бюджет AND (доходы / расходы)",
        "что это / как? / где",
    ],
)
def test_slashes_of_paths_are_no_regular_expressions(text: str) -> None:
    assert reading.read(text).hints == ()


def test_a_field_of_people_is_a_field_of_documents() -> None:
    assert reading.read("format:CSV").node == Term("res_format", "CSV")
    assert reading.read('title:"бюджет города"').node == Phrase("title", "бюджет города")


def test_days_and_beginnings_of_words() -> None:
    node = reading.read("бюдж* updated:[2024 TO 2025]").node
    assert node == And((Prefix("text", "бюдж"), Range("metadata_modified", "2024", "2025")))
    assert reading.prefixes(node) == ("бюдж",)


def test_what_is_forbidden_is_not_highlighted() -> None:
    assert reading.tokens(reading.read("school -budget").node) == reading.tokens(reading.read("school").node)
    assert reading.tokens(Not(Term("text", "budget"))) == frozenset()


def test_a_colon_of_a_sentence_is_no_field() -> None:
    read = reading.read("бюджет: доходы")
    assert isinstance(read.node, Words)
    assert read.hints == ()


@pytest.mark.parametrize("text", ["{!lucene}title:x", " {!bool must=a}", "{!"])
def test_other_query_parsers_are_refused(text: str) -> None:
    with pytest.raises(KzError) as refused:
        reading.read(text)
    assert refused.value.code == "search.no_parser"


def test_many_beginnings_that_are_not_known_are_refused() -> None:
    reading.read("*бюджет *смета")
    with pytest.raises(KzError) as refused:
        reading.read(" ".join(f"*слово{number}" for number in range(6)))
    assert refused.value.code == "search.too_many_patterns"


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(KzError) as refused:
        reading.read(" OR ".join(f"w{number}" for number in range(2_500)))
    assert refused.value.code == "search.too_many_parts"


signs = st.text(alphabet='ab яә1 "()[]{}:*?~^+-!&|\\/.,AORNDT\x00\u0301🙂', max_size=60)


@settings(max_examples=examples(150), deadline=None)
@given(signs)
def test_any_text_has_a_reading_or_a_refusal(text: str) -> None:
    refused = ""
    try:
        read = reading.read(text)
        reading.tokens(read.node)
        reading.words(text)
        assert set(read.hints) <= hints.known().keys()
    except KzError as refusal:
        refused = refusal.code
    assert refused in ("", "search.no_parser", "search.no_regex", "search.too_many_patterns")

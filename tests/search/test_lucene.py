"""Query text becomes the tree it means, and broken text the nearest one."""

import pytest
from ckanext.kzopen.search import budget, lucene
from ckanext.kzopen.search.tree import (
    All,
    And,
    Better,
    Boost,
    Exists,
    Fuzzy,
    Node,
    Not,
    Nothing,
    Occur,
    OneOf,
    Or,
    Phrase,
    Prefix,
    Range,
    Term,
    Wildcard,
    Word,
    Words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*:*", All()),
        ("", All()),
        ("budget", Term("text", "budget")),
        ("title:budget", Term("title", "budget")),
        ('tags: "multi word"', Term("tags", "multi word")),
        ('title:"two words"~3', Phrase("title", "two words", 3)),
        ("a b", And((Term("text", "a"), Term("text", "b")))),
        ("a AND b OR c", Or((And((Term("text", "a"), Term("text", "b"))), Term("text", "c")))),
        ("+state:(active OR draft)", OneOf("state", frozenset({"active", "draft"}))),
        ("-dataset_type:harvest", Not(Term("dataset_type", "harvest"))),
        ("a -b", And((Term("text", "a"), Not(Term("text", "b"))))),
        ("title:bud*", Prefix("title", "bud")),
        ("title:b?dg*t", Wildcard("title", "b?dg*t")),
        ("notes:*", Exists("notes")),
        ("budgte~1", Fuzzy("text", "budgte", 1)),
        ("budget^2", Boost(Term("text", "budget"), 2.0)),
        ("metadata_modified:[2014 TO NOW]", Range("metadata_modified", "2014", "NOW")),
        ("year:[* TO 5}", Range("year", None, "5", True, False)),
        (r"title:Seymour\: ", Term("title", "Seymour:")),
        ('res_url:"http://x.kz/y?z=1"', Term("res_url", "http://x.kz/y?z=1")),
        ("res_url:http://x.kz/y?z=1", Term("res_url", "http://x.kz/y?z=1")),
        ("a && !b", And((Term("text", "a"), Not(Term("text", "b"))))),
    ],
)
def test_text_means_this_tree(text: str, expected: Node) -> None:
    assert lucene.parse(text) == expected


def test_words_may_be_joined_by_or() -> None:
    assert lucene.parse("+a b", all_words=False) == Better(Term("text", "a"), (Term("text", "b"),))


@pytest.mark.parametrize(
    ("broken", "read_as"),
    [
        ("--included", "included"),
        ("budget AND", "budget"),
        ("(budget", "budget"),
        ("budget)", "budget"),
        ('"budget', "budget"),
        ("AND budget", "budget"),
        ("title:", "title"),
        ("budget title:", "budget"),
        ("a OR OR b", "a OR b"),
        ("year:[2014 TO", "2014"),
        ("{!x} budget", "x budget"),
        ("budget +", "budget"),
    ],
)
def test_broken_text_gets_its_best_reading(broken: str, read_as: str) -> None:
    assert _words(lucene.parse(broken)) >= _words(lucene.parse(read_as)) - {"TO"}


def _words(node: Node) -> set[str]:
    from ckanext.kzopen.search.tree import walk

    return {part.value for part in walk(node) if isinstance(part, Term)}


@pytest.mark.parametrize(
    ("broken", "read_as"),
    [
        ("1*^. b", "1*^ b"),
        ("a^1.2.3 b", "a^ b"),
        ("a~.. b", "a~ b"),
        ('"a b"~.', '"a b"~'),
        ('"a b"~1.5', '"a b"~'),
    ],
)
def test_a_force_that_is_no_number_is_dropped(broken: str, read_as: str) -> None:
    assert lucene.parse(broken) == lucene.parse(read_as)


def test_a_regular_expression_is_refused_and_a_path_is_a_word() -> None:
    with pytest.raises(budget.RegularExpression, match="not supported"):
        lucene.parse("title:/bud.*/")
    assert lucene.parse("title:/dataset/") == Term("title", "dataset")


def test_a_degree_of_any_length_is_two_letters_at_most() -> None:
    assert lucene.parse("a~" + "9" * 400) == Fuzzy("text", "a", 2)


def test_a_query_of_signs_only_is_everything() -> None:
    assert lucene.parse("!!!") == All()


FIELDS = (("title", 4.0), ("text", 1.0))


def test_free_text_knows_plus_minus_and_quotes_only() -> None:
    words = (Word("budget"), Word("of"), Word("almaty city", phrase=True), Word("2024", Occur.MUST), Word("draft", Occur.NOT))
    assert lucene.typed('budget of "almaty city" +2024 -draft') == list(words)


def test_an_odd_quote_in_free_text_is_a_blank() -> None:
    assert lucene.typed('say "budget') == [Word("say"), Word("budget")]


def test_as_many_words_as_the_rule_says_must_occur() -> None:
    found = lucene.free_words("ab cd ef +gh -ij", FIELDS, "2<-1")
    assert found == Words((Word("ab"), Word("cd"), Word("ef"), Word("gh", Occur.MUST), Word("ij", Occur.NOT)), FIELDS, 2)


def test_free_text_of_signs_only_finds_nothing() -> None:
    assert lucene.free_words("?!", FIELDS, "100%") == Nothing()


def test_thousands_of_brackets_end_as_words() -> None:
    assert isinstance(lucene.parse("(" * 2_000 + "budget"), Term)
    assert lucene.parse("-" * 2_000 + "budget") == Term("text", "budget")

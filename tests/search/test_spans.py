"""Ranges as patterns: tantivy finds by them just the values between the bounds."""

from __future__ import annotations

import random

import pytest
import tantivy
from ckanext.kzopen.search.engines.tantivy import spans
from ckanext.kzopen.search.engines.tantivy.schema import TERMS, mark, prepared, schema
from ckanext.kzopen.search.tree import Range

LETTERS = "abүҒ\n.]^-\\z0 \ud7ff\ue000\uffff\U00010000\U0010ffff"
FIELD = "version"


@pytest.fixture(scope="module")
def values() -> list[str]:
    choice = random.Random(3)
    return sorted({"".join(choice.choices(LETTERS, k=choice.randint(1, 6))) for _ in range(400)})


@pytest.fixture(scope="module")
def searcher(values: list[str], tmp_path_factory: pytest.TempPathFactory) -> tantivy.Searcher:
    index = prepared(tantivy.Index(schema(), path=str(tmp_path_factory.mktemp("spans"))))
    writer = index.writer(heap_size=15_000_000, num_threads=1)
    for value in values:
        document = tantivy.Document()
        document.add_text(TERMS, mark(FIELD) + value)
        writer.add_document(document)
    writer.commit()
    index.reload()
    return index.searcher()


def found(searcher: tantivy.Searcher, values: list[str], node: Range) -> list[str]:
    pattern = spans.pattern(node)
    if pattern is None:
        return []
    hits = searcher.search(tantivy.Query.regex_query(schema(), TERMS, mark(FIELD) + pattern), len(values)).hits
    return sorted(values[at.doc] for _, at in hits)


def test_the_values_between_any_two_are_found(searcher: tantivy.Searcher, values: list[str]) -> None:
    choice = random.Random(5)
    for _ in range(1_000):
        low, high = choice.choice([(None, choice.choice(values)), (choice.choice(values), None), choice.choices(values, k=2)])
        includes = (choice.random() < 0.5, choice.random() < 0.5)
        wanted = [
            value
            for value in values
            if (low is None or value > low or (includes[0] and value == low))
            and (high is None or value < high or (includes[1] and value == high))
        ]
        assert found(searcher, values, Range(FIELD, low, high, *includes)) == wanted, (low, high, includes)


def test_long_bounds_of_any_letters_are_within_what_tantivy_takes(searcher: tantivy.Searcher, values: list[str]) -> None:
    for letter in "aәﷺ\U00010348\ud7ff":
        assert found(searcher, values, Range(FIELD, "0" + letter * 50, "z" + letter * 50))

"""Random documents and trees: tantivy, Elasticsearch and a plain Python evaluator agree in ids, counts, facets and order."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.search import document
from ckanext.kzopen.search import evaluation as evaluator
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Facet, Search, Sort
from ckanext.kzopen.search.tree import (
    All,
    And,
    Better,
    Boost,
    Exists,
    Fuzzy,
    Node,
    Not,
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
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.search.conftest import SITE, delete_indexes, source

EXAMPLES = int(os.environ.get("KZOPEN_DIFFERENTIAL_EXAMPLES", "4"))
TREES = 25
"""Trees for one set of documents: an index costs more than a question."""

WORDS = ("бюджет", "бюджеті", "қаласының", "города", "мектеп", "школа", "schools", "budget", "480-V", "2024", "ауа", "air")
VALUES = ("a", "b", "ab", "ба", "Б", "x y", "1", "10", "9.5")
DAYS = ("2023-12-31", "2024-01-01T10:30:00Z", "2024-02-29", "2024-05-15T00:00:00.782Z", "1969-07-20")
BOUNDS = ("2024", "2024-02", "2024-01-01", "2024-01-01T10:30:00Z", "NOW-1DAY/DAY", "nonsense")
RUNS = ("мек", "ба", "бюджет", "n0", "a", "аласы", "қаласының", "қаласының бюджеті")
OTHERS = ("views_total", "title_ngram", "url", "res_name", "absent")
TEXT_FIELDS = ("title", "notes", "text", "extras_subject", "res_name")
KEYWORD_FIELDS = ("tags", "groups", "name", "organization", "vocab_themes", "extras_code")
DATE_FIELDS = ("metadata_modified", "extras_issued_date")
NUMBER_FIELDS = ("views_total", "extras_code")
SORTED = ("name", "title_string", "metadata_modified", "views_total", "organization")

sentences = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
some_values = st.lists(st.sampled_from(VALUES), max_size=3, unique=True)


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents in Solr's shape; names are unique, all else repeats."""
    made = []
    for number in range(draw(st.integers(0, 12))):
        given_ = {
            "title": draw(sentences),
            "title_string": draw(sentences),
            "notes": draw(sentences),
            "tags": draw(some_values),
            "groups": draw(some_values),
            "vocab_themes": draw(some_values),
            "organization": draw(st.sampled_from((*VALUES, None))),
            "extras_subject": draw(sentences),
            "res_name": draw(st.lists(sentences, max_size=2)),
            "url": draw(st.sampled_from((*VALUES, None))),
            "extras_code": draw(st.sampled_from((*VALUES, "", "-3"))),
            "extras_issued_date": draw(st.sampled_from((*DAYS, ""))),
            "metadata_modified": draw(st.sampled_from((*DAYS, ""))),
            "views_total": draw(st.sampled_from((0, 7, 10, None))),
            "permission_labels": draw(st.lists(st.sampled_from(("public", "member-1")), min_size=1, max_size=2, unique=True)),
            "visible_from": draw(st.sampled_from((None, None, "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"))),
        }
        made.append(source(f"n{number:02d}", **{name: value for name, value in given_.items() if value not in (None, "")}))
    return made


def leaves() -> st.SearchStrategy[Node]:
    """Questions to one field."""
    words, text, keyword = st.sampled_from(WORDS), st.sampled_from(TEXT_FIELDS), st.sampled_from(KEYWORD_FIELDS)
    value = st.sampled_from((*VALUES, "n01", "n0"))
    whole = st.booleans()
    optional = st.none() | st.sampled_from(BOUNDS)
    number = st.none() | st.sampled_from(("0", "7", "9.5", "-3", "10"))
    return st.one_of(
        st.builds(All),
        st.builds(Term, text, sentences),
        st.builds(Term, keyword, value),
        st.builds(Term, st.sampled_from(("title_ngram", "name_ngram")), st.sampled_from(RUNS)),
        st.builds(OneOf, keyword, st.frozensets(value, max_size=4)),
        st.builds(Phrase, text, sentences),
        st.builds(Prefix, text, st.sampled_from(("бюд", "школ", "48", "города мек", ""))),
        st.builds(Prefix, keyword, st.sampled_from(("a", "x", "n0", "б"))),
        st.builds(
            Wildcard, st.sampled_from((*OWN, *KEYWORD_FIELDS)), st.sampled_from(("*", "бюд*", "n?1", "a?", "?", "*ол*"))
        ),
        st.builds(Fuzzy, text, words, st.integers(0, 2)),
        st.builds(Fuzzy, keyword, value, st.integers(0, 2)),
        st.builds(Range, st.sampled_from(DATE_FIELDS), optional, optional, whole, whole),
        st.builds(Range, st.sampled_from(NUMBER_FIELDS), number, number, whole, whole),
        st.builds(
            Range, st.sampled_from(("name", "tags", "vocab_themes", "url")), st.none() | value, st.none() | value, whole, whole
        ),
        st.builds(Exists, st.sampled_from((*OWN, *KEYWORD_FIELDS, *DATE_FIELDS, *OTHERS))),
        st.builds(
            free_text, st.lists(st.builds(Word, sentences, st.sampled_from(Occur), whole), max_size=4), st.integers(0, 4)
        ),
    )


OWN = ("title", "notes", "text")


def free_text(words: list[Word], minimum: int) -> Words:
    return Words(tuple(words), (("name", 4.0), ("title", 4.0), ("tags", 2.0), ("text", 1.0)), minimum, 0.1)


def joined(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Nodes over other nodes."""
    some = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, some),
        st.builds(lambda nodes, least: Or(nodes, min(least, len(nodes))), some, st.integers(1, 3)),
        st.builds(Better, children, some),
        st.builds(Not, children),
        st.builds(Boost, children, st.sampled_from((0.5, 2.0))),
    )


trees = st.recursive(leaves(), joined, max_leaves=6)
facets = tuple(Facet(name, None, 1) for name in ("tags", "groups", "vocab_themes", "extras_code", "title"))
searches = st.builds(
    Search,
    query=st.one_of(trees, trees, st.builds(All)),
    labels=st.sampled_from(
        (None, frozenset({"public"}), frozenset({"public", "member-1"}), frozenset({"nobody", "member-1"}))
    ),
    filters=st.lists(trees, max_size=2).map(tuple),
    sort=st.builds(lambda field, down: (Sort(field, down), Sort("name", False)), st.sampled_from(SORTED), st.booleans()),
    rows=st.just(50),
    facets=st.just(facets),
    wanted=st.just(frozenset({"name"})),
)


def told(search: Search) -> str:
    """The question without what all questions share."""
    return f"query={search.query} filters={search.filters} sort={search.sort} labels={search.labels}"


@pytest.fixture
def addresses(elasticsearch: str) -> Iterator[list[str]]:
    """The embedded engine and a place in a real Elasticsearch."""
    elastic = f"elasticsearch://{elasticsearch}/test-{uuid.uuid4().hex[:12]}"
    yield ["", elastic]
    delete_indexes(elastic)


@pytest.mark.timeout(3600)
def test_engines_agree_with_the_evaluator(addresses: list[str], tmp_path: Path) -> None:
    # Without shrinking: each try would build two indexes.
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    @given(documents(), st.lists(searches, min_size=TREES, max_size=TREES))
    def agree(sources: list[dict[str, Any]], asked: list[Search]) -> None:
        entries = [document.from_solr(one, SITE).entry() for one in sources]
        readers = {}
        for address in addresses:
            engine = engine_of(address, tmp_path)
            writer, count = engine.built(iter(entries))
            writer.close()
            assert count == len(entries)
            readers[address.partition(":")[0] or "tantivy"] = engine.reader()
        plain = [one.fields for one in entries]
        for search in asked:
            hits = evaluator.found(plain, search)
            expected = [one["keywords"]["name"][0] for one in hits]
            counts = {facet.field: evaluator.facet(hits, facet) for facet in search.facets}
            for name, reader in readers.items():
                answer = reader.search(search)
                assert (name, answer.hits) == (name, len(hits)), told(search)
                assert (name, [one["name"] for one in answer.documents]) == (name, expected), told(search)
                assert (name, answer.facets) == (name, counts), told(search)

    agree()

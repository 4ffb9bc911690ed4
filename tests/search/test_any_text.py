"""Whatever is typed into the search box gets an answer: no error, and nothing that runs away."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from ckanext.kzopen.search import budget, document, solr_request
from ckanext.kzopen.search.engines.base import Answer
from ckanext.kzopen.search.engines.tantivy.reader import TantivyReader
from ckanext.kzopen.search.engines.tantivy.writer import rebuilt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.search.conftest import SITE, source

PIECES = (
    *(
        "budget",
        "қала",
        "2024",
        "NOW",
        "title:",
        "name:",
        "metadata_modified:",
        "year:",
        "extras_x:",
        "*:*",
        "http://x.kz/y?z",
    ),
    *(
        " ",
        " ",
        "AND",
        "OR",
        "NOT",
        "TO",
        "&&",
        "||",
        "+",
        "-",
        "!",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        '"',
        "'",
        "~",
        "^",
        "*",
        "?",
    ),
    *(":", "/", "\\", "<", ">", "=", ",", ".", "#", "№", "{!bool", "\x00", "\u0301", "🏛"),
)
DISMAX = {"defType": "dismax", "qf": "name^4 title^4 text", "mm": "2<-1 5<80%"}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> TantivyReader:
    root = tmp_path_factory.mktemp("any") / "index"
    sources = [
        source(f"n{n}", title=f"budget қала {n}", year=str(2020 + n), extras_x="x", metadata_modified="2024-01-01")
        for n in range(5)
    ]
    writer, _count = rebuilt(root, (document.from_solr(one, SITE).entry() for one in sources))
    writer.close()
    return TantivyReader(root)


def ask(reader: TantivyReader, text: str, **params: Any) -> Answer:
    return reader.search(solr_request.search_of({"q": text, **params}, None))


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12))
@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mixture_of_signs_and_words_is_answered(reader: TantivyReader, pieces: list[str]) -> None:
    text = "".join(pieces)
    for params in (DISMAX, {"defType": "edismax"}, {}):
        if "{!" in text:
            continue  # local parameters are refused or allowed by CKAN, before the text comes here
        try:
            assert 0 <= ask(reader, text, **params).hits <= 5
        except budget.RegularExpression:
            assert text.count("/") > 1


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a-" * 50_000,
        "a:" * 50_000,
        "(" * 50_000,
        '"' * 50_001,
        "*a" * 5_000,
        "a~2 " * 500,
        "a" * 5_000 + "~2",
        "AND " * 20_000,
    ],
)
def test_a_long_text_is_answered_or_refused_soon(reader: TantivyReader, text: str) -> None:
    start = time.monotonic()
    with contextlib.suppress(solr_request.RequestError):
        ask(reader, text)
    assert time.monotonic() - start < 5


def test_a_text_over_the_limit_is_refused(reader: TantivyReader) -> None:
    with pytest.raises(solr_request.RequestError):
        ask(reader, "a" * 200_001)

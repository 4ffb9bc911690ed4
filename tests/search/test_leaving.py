"""What the first question after a commit does not wait for; and what a question hands over to another thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.search import solr_request
from ckanext.kzopen.search.engines.tantivy import counting, leaving
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine
from ckanext.kzopen.search.engines.tantivy.reader import TantivyReader

from tests.search.conftest import made, until

FACETS = {"facet": "true", "facet.field": ["name"]}


def ask(reader: TantivyReader) -> Any:
    return reader.search(solr_request.search_of({"q": "*:*", **FACETS}, None))


def test_the_searcher_of_before_is_given_free_a_moment_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_LATER", 0.5)
    engine = TantivyEngine(tmp_path)
    writer, _count = engine.built(iter([made("a").entry()]))
    reader = engine.reader()
    ask(reader)
    for name in ("b", "c"):
        writer.put([made(name).entry()])
        writer.commit()
        ask(reader)
    writer.close()
    opened = reader._opened
    assert opened is not None
    assert len(opened.leaving._held) >= 2
    until(lambda: not opened.leaving._held)
    assert ask(reader).hits == 3


@pytest.mark.parametrize(("few", "handed_over"), [(2, 0), (1, 1)])
def test_only_the_count_of_many_hits_is_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, handed_over: int
) -> None:
    engine, asked, threads = TantivyEngine(tmp_path), [], counting.threads
    engine.built(made(name).entry() for name in ("a", "b"))[0].close()
    monkeypatch.setattr(counting, "_FEW_HITS", few)
    monkeypatch.setattr(counting, "threads", lambda *named: asked.append(named) or threads(*named))
    assert ask(engine.reader()).facets == {"name": [("a", 1), ("b", 1)]}
    assert len(asked) == handed_over

"""Leafing through a list: its order is found once for many pages, and anew as soon as the index changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.search import solr_request
from ckanext.kzopen.search.engines.tantivy import ordering, pages
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine
from ckanext.kzopen.search.engines.tantivy.reader import TantivyReader

from tests.search.conftest import made

DOCUMENTS = 700
SORT = "score desc, metadata_modified desc, name asc"


@pytest.fixture
def engine(tmp_path: Path) -> TantivyEngine:
    """An index of documents with seven moments among them, so most places of the order are decided by names."""
    engine = TantivyEngine(tmp_path)
    made_ones = (made(f"n{n:04d}", title="word", metadata_modified=f"2024-01-0{n % 7 + 1}") for n in range(DOCUMENTS))
    writer, _count = engine.built(one.entry() for one in made_ones)
    writer.close()
    return engine


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each order that tantivy was asked for."""
    rows: list[int] = []
    page = ordering.page

    def counted(searcher: Any, query: Any, search: Any) -> Any:
        rows.append(search.rows)
        return page(searcher, query, search)

    monkeypatch.setattr(ordering, "page", counted)
    return rows


def names(reader: TantivyReader, start: int, rows: int = 20, query: str = "text:word", sort: str = SORT) -> list[str]:
    found = reader.search(solr_request.search_of({"q": query, "sort": sort, "start": start, "rows": rows}, None))
    assert found.hits == DOCUMENTS
    return [one["name"] for one in found.documents]


def test_the_pages_together_are_the_list_and_cost_few_orders(engine: TantivyEngine, asked: list[int]) -> None:
    whole = names(engine.reader(), 0, DOCUMENTS)
    assert whole == sorted(whole, key=lambda name: (-(int(name[1:]) % 7), name))
    asked.clear()
    reader = engine.reader()
    leafed = [names(reader, start) for start in range(0, DOCUMENTS + 20, 20)]
    assert [name for page in leafed for name in page] == whole
    assert leafed[-1] == []
    assert len(asked) <= 5


def test_no_hit_falls_between_a_page_that_was_kept_and_the_first(engine: TantivyEngine, asked: list[int]) -> None:
    """Else a document that opens meanwhile would push the last hit off the first page, and the second would not have it."""
    reader = engine.reader()
    second, first = names(reader, 20, sort="name asc"), names(reader, 0, sort="name asc")
    assert [*first, *second] == [f"n{number:04d}" for number in range(40)]
    assert len(asked) == 1


def test_lists_are_kept_apart(engine: TantivyEngine) -> None:
    reader = engine.reader()
    down, up = (names(reader, 20, sort=f"name {way}") for way in ("desc", "asc"))
    assert (down[0], up[0]) == (f"n{DOCUMENTS - 21:04d}", "n0020")
    assert names(reader, 20, sort="name desc") == down


def test_a_change_is_on_the_next_page_that_is_asked_for(engine: TantivyEngine) -> None:
    reader = engine.reader()
    before = names(reader, 20, sort="name asc")
    writer = engine.writer()
    writer.remove([made("n0000").key])
    writer.put([made("z", title="word").entry()])
    writer.commit()
    writer.close()
    assert names(reader, 20, sort="name asc") == [*before[1:], "n0040"]


def test_the_first_page_and_those_far_behind_are_found_by_themselves(
    engine: TantivyEngine, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_LONGEST", 300)
    reader = engine.reader()
    assert names(reader, 0, sort="name asc")[0] == "n0000"
    assert names(reader, 400, sort="name asc")[0] == "n0400"
    assert names(reader, 400, sort="name asc")[0] == "n0400"
    assert asked == [20, 20, 20]


def test_a_list_that_depends_on_the_hour_is_not_kept(engine: TantivyEngine, asked: list[int]) -> None:
    reader = engine.reader()
    for _again in range(2):
        names(reader, 20, query="metadata_modified:[* TO NOW]", sort="name asc")
    assert len(asked) == 2

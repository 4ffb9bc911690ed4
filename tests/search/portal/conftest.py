"""A portal whose search looks into an index that the test has made, in each engine in turn or in tantivy only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ckan.common import config
from ckan.tests.helpers import CKANTestApp, _get_test_app
from ckanext.kzopen.search import connection, document
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Engine, Reader

Source = dict[str, Any]
Filled = Callable[..., Reader]


def thing(name: str, **fields: Any) -> Source:
    """A data set's document in Solr's shape, as this portal's."""
    site = str(config["ckan.site_id"])
    given = {"id": name, "name": name, "site_id": site, "entity_type": "package", "dataset_type": "dataset", "state": "active"}
    key = document.key_of(name, site)
    return {**given, "index_id": key, "permission_labels": ["public"], "capacity": "public", **fields}


def made(source: Source) -> document.Document:
    return document.from_solr(source, str(config["ckan.site_id"]))


@pytest.fixture
def searched(index: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch) -> Filled:
    """Each engine in turn: fills an index, and lets the portal look into it."""

    def fill(*sources: Source) -> Reader:
        reader = index(*sources)
        monkeypatch.setattr(connection, "reader", lambda: reader)
        return reader

    return fill


@pytest.fixture
def written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filled]:
    """Each engine in turn; gives the writer, which stays open until the test's end."""
    writers: list[Any] = []

    def fill(*sources: Source) -> Any:
        writer, _count = engine.built(iter(made(one).entry() for one in sources))
        writers.append(writer)
        reader = engine.reader()
        monkeypatch.setattr(connection, "reader", lambda: reader)
        return writer

    yield fill
    for writer in writers:
        writer.close()


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Filled:
    """The same in tantivy only; gives the writer, which stays open."""
    engine = engine_of("", tmp_path / "embedded")

    def fill(*sources: Source) -> Any:
        writer, _count = engine.built(iter(made(one).entry() for one in sources))
        reader = engine.reader()
        monkeypatch.setattr(connection, "reader", lambda: reader)
        return writer

    return fill


@pytest.fixture(scope="module")
def pages() -> CKANTestApp:
    """The portal in this process, with its plugins: CKAN's own fixture would load them for each test."""
    return _get_test_app()

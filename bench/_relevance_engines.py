"""The engines that `bench relevance` compares: each gets the same documents, and the parameters that CKAN sends for a query.

Stock CKAN is a real Solr with CKAN's schema, asked through CKAN's own client.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysolr
from ckan.lib.search.query import QUERY_FIELDS
from ckanext.kzopen.search import document, solr_request, spelling
from ckanext.kzopen.search.engines import engine_of
from ckanext.kzopen.search.engines.base import Engine, Entry

from bench._relevance_documents import SITE, Text
from tests import search_engines

Top = Callable[[str, int], list[str]]
"""The ids of the best documents for a query, best first."""


def parameters(query: str, rows: int) -> dict[str, Any]:
    """What CKAN's query class makes of what people type into its search box."""
    asked = {"rows": rows, "fq": [f"+site_id:{SITE}", "+state:active"], "fl": "id", "df": "text", "q.op": "AND"}
    if ":" not in query:
        asked |= {"defType": "dismax", "tie": "0.1", "mm": "2<-1 5<80%", "qf": QUERY_FIELDS}
    return asked | {"sort": "score desc, metadata_modified desc"}


@contextmanager
def solr(texts: Sequence[Text]) -> Iterator[Top]:
    """Stock CKAN: its schema in a Solr."""
    with search_engines.solr("relevance") as address:
        client = pysolr.Solr(address, timeout=60)
        client.delete(q="*:*")
        client.add([text.as_ckan_sends_it() for text in texts], commit=True)

        def top(query: str, rows: int) -> list[str]:
            try:
                return [found["id"] for found in client.search(query, **parameters(query, rows))]
            except pysolr.SolrError:  # stock CKAN shows an error for what it cannot read
                return []

        yield top


@contextmanager
def tantivy(texts: Sequence[Text]) -> Iterator[Top]:
    """Ours, embedded."""
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder:
        yield _ours(engine_of("", Path(folder) / "index"), texts)


@contextmanager
def elastic(texts: Sequence[Text]) -> Iterator[Top]:
    """Ours on Elasticsearch."""
    with search_engines.elasticsearch() as address:
        yield _ours(engine_of(f"elasticsearch://{address}/relevance", Path()), texts)


def _ours(engine: Engine, texts: Sequence[Text]) -> Top:
    writer, _count = engine.built(_entry(text) for text in texts)
    writer.close()
    reader = engine.reader()

    def top(query: str, rows: int) -> list[str]:
        search = solr_request.search_of({"q": query, **parameters(query, rows)}, frozenset({"public"}))
        return [found["id"] for found in spelling.forgiving(reader, search, search.filters).answer.documents]

    return top


def _entry(text: Text) -> Entry:
    return document.from_solr(text.as_ckan_sends_it(), SITE).entry()

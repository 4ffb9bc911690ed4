"""Answer questions from the index that counts."""

from __future__ import annotations

import json
from typing import Any

from ckanext.kzopen.search import fields, ranking, visibility
from ckanext.kzopen.search.engines.base import Answer, Facet, Search, Sort
from ckanext.kzopen.search.engines.elastic.address import Address
from ckanext.kzopen.search.engines.elastic.client import client
from ckanext.kzopen.search.engines.elastic.compile import Compiler, Query, keyword_path
from ckanext.kzopen.search.engines.elastic.errors import as_engine_errors
from ckanext.kzopen.search.engines.elastic.mapping import GIVEN_BACK, PACKAGE_DICT, order_field
from ckanext.kzopen.search.tree import All

_ALL_VALUES = 65_000
"""Values of a facet that each shard reports; with fewer, counts over several shards would be wrong."""
_PAGE = 5_000


class ElasticReader:
    """Asks whatever index the alias leads to."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def search(self, search: Search) -> Answer:
        """One page of hits, their number, and the facets; sees everything that was committed before the call."""
        with as_engine_errors():
            found = client(self._address).search(index=self._address.prefix, **request(search)).body
        documents = [_document(hit, search) for hit in found["hits"]["hits"]]
        facets = {
            facet.field: _counts(found["aggregations"][str(place)]["buckets"], facet) if _counted(facet) else []
            for place, facet in enumerate(search.facets)
        }
        return Answer(int(found["hits"]["total"]["value"]), documents, facets)

    def hashes(self) -> dict[str, int]:
        """The content hash of every document by key."""
        with as_engine_errors():
            elastic = client(self._address)
            after: list[Any] | None = None
            hashes: dict[str, int] = {}
            while True:
                found = elastic.search(
                    index=self._address.prefix,
                    size=_PAGE,
                    sort="key:asc",
                    search_after=after,
                    source=False,
                    docvalue_fields=[{"field": "hash"}],
                    track_total_hits=False,
                ).body["hits"]["hits"]
                hashes |= {str(hit["sort"][0]): int(hit["fields"]["hash"][0]) for hit in found}
                if len(found) < _PAGE:
                    return hashes
                after = found[-1]["sort"]


def request(search: Search) -> dict[str, Any]:
    """What Elasticsearch is asked."""
    asked: dict[str, Any] = {
        "query": _restricted(Compiler(), search),
        "from_": search.start,
        "size": max(0, search.rows),
        "sort": _order(search),
        "track_total_hits": True,
        "source": [name for name in GIVEN_BACK if name == "stored" or search.wanted is None or name in search.wanted],
    }
    if search.facets:
        asked["aggs"] = {str(place): _aggregation(facet) for place, facet in enumerate(search.facets) if _counted(facet)}
    return asked


def _restricted(compiler: Compiler, search: Search) -> Query:
    """The one place where permissions enter a query."""
    conditions = [compiler.query(condition) for condition in search.filters if not isinstance(condition, All)]
    visible = visibility.condition(search.labels)
    if not isinstance(visible, All):
        conditions.append(compiler.query(visible))
    return {"bool": {"must": [compiler.query(search.query)], "filter": conditions}}


def _order(search: Search) -> list[dict[str, Any] | str]:
    """The keys of the order; documents without one come last, equal ones keep the order of the index."""
    return [*(_key(key) for key in ranking.effective(search)), "_doc"]


def _key(key: Sort) -> dict[str, Any]:
    order = "desc" if key.descending else "asc"
    if key.field == fields.SCORE:
        return {"_score": {"order": order}}
    target = order_field(key.field) if key.field in fields.SORTED_KEYWORDS else key.field
    return {target: {"order": order, "missing": "_last"}}


def _counted(facet: Facet) -> bool:
    return facet.field not in fields.UNCOUNTED


def _aggregation(facet: Facet) -> dict[str, Any]:
    asked = {
        "field": keyword_path(facet.field),
        "size": min(facet.limit or _ALL_VALUES, _ALL_VALUES),
        "shard_size": _ALL_VALUES,
        "min_doc_count": max(1, facet.minimum),
        "order": [{"_count": "desc"}, {"_key": "asc"}],
    }
    return {"terms": asked}


def _counts(buckets: list[dict[str, Any]], facet: Facet) -> list[tuple[str, int]]:
    counts = [(str(bucket["key"]), int(bucket["doc_count"])) for bucket in buckets]
    return counts if facet.limit is None else counts[: facet.limit]


def _document(hit: dict[str, Any], search: Search) -> dict[str, Any]:
    """What is given back of a hit: all fields, or those wanted."""
    source = hit["_source"]
    shown: dict[str, Any] = json.loads(source.pop("stored", "{}")) | source
    if PACKAGE_DICT in shown:
        shown[PACKAGE_DICT] = shown[PACKAGE_DICT].encode("utf-8", "surrogatepass")
    if hit["_score"] is not None:
        shown["score"] = hit["_score"]
    return shown if search.wanted is None else {name: value for name, value in shown.items() if name in search.wanted}

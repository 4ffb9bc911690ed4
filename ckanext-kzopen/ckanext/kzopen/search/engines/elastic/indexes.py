"""Which index counts: the alias `<prefix>` leads to one of `<prefix>-<mapping>-<number>`; a rebuild moves it in one step."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.search.engines.base import EngineError
from ckanext.kzopen.search.engines.elastic.address import Address
from ckanext.kzopen.search.engines.elastic.mapping import fingerprint, mapping, settings
from elasticsearch import Elasticsearch, NotFoundError


def current(elastic: Elasticsearch, prefix: str) -> str:
    """The index that counts; EngineError if there is none of our mapping."""
    try:
        names = sorted(elastic.indices.get_alias(name=prefix).body)
    except NotFoundError as error:
        raise EngineError("there is no search index yet") from error
    if not names or not names[-1].startswith(f"{prefix}-{fingerprint()}-"):
        raise EngineError("the search index is of another version")
    return names[-1]


def fresh(elastic: Elasticsearch, address: Address) -> str:
    """A new, empty index, not yet the one that counts."""
    number = 1 + max((_number(name) for name in _all(elastic, address.prefix)), default=0)
    name = f"{address.prefix}-{fingerprint()}-{number:06d}"
    elastic.indices.create(index=name, mappings=mapping(), settings=settings(address.shards, address.replicas))
    return name


def replicate(elastic: Elasticsearch, name: str, replicas: int) -> None:
    """Let this index have so many copies of each shard; their number may change at any time, that of shards may not."""
    elastic.indices.put_settings(index=name, settings={"number_of_replicas": replicas})


def switch(elastic: Elasticsearch, prefix: str, name: str) -> None:
    """Let readers go to this index, in one step."""
    moves: list[dict[str, Any]] = [
        {"remove": {"index": f"{prefix}-*", "alias": prefix, "must_exist": False}},
        {"add": {"index": name, "alias": prefix}},
    ]
    elastic.indices.update_aliases(actions=moves)


def sweep(elastic: Elasticsearch, prefix: str, kept: str) -> None:
    """Delete all our indexes but the one that counts, half-built ones among them."""
    for name in _all(elastic, prefix):
        if name != kept:
            elastic.indices.delete(index=name, ignore_unavailable=True)


def _all(elastic: Elasticsearch, prefix: str) -> list[str]:
    """Ours only: another portal's prefix may begin with the same letters."""
    found = elastic.indices.get(index=f"{prefix}-*", features="aliases").body
    return [name for name in found if _is_ours(name.removeprefix(f"{prefix}-"))]


def _is_ours(rest: str) -> bool:
    print_, _dash, number = rest.partition("-")
    return len(print_) == len(fingerprint()) and number.isdecimal()


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])

"""The parameters of a Solr request, as CKAN sends them → a search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ckanext.kzopen.search import budget, lucene, ranking, tree
from ckanext.kzopen.search.budget import RequestError
from ckanext.kzopen.search.engines.base import Facet, Search, Sort
from ckanext.kzopen.search.tree import Node

DEEPEST = 10_000
"""Pages end here, unless they are sorted by one stored field."""
LONGEST = 200_000
"""Letters of a query or a filter."""
SHORT = 2_000
"""Letters of filters that are kept as they were read; longer ones are hardly asked again."""

_WEIGHT = re.compile(r"([\w.*-]+)(?:\^([\d.]+))?")
_LOCAL = re.compile(r"^\s*\{!([^}]*)\}(.*)$", re.DOTALL)
_PAIR = re.compile(r"""([\w.]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|(\S+))|(\w+)""")
_SORT = re.compile(r"\s*([\w.-]+)\s+(asc|desc)\s*", re.IGNORECASE)


class SortError(RequestError):
    """The order that was asked for cannot be read."""


def search_of(params: Mapping[str, Any], labels: frozenset[str] | None) -> Search:
    """The search that Solr's parameters ask for; raises RequestError."""
    query = _main_query(params)
    filters = _filters(tuple(map(str, _many(params.get("fq")))), _joined_by_and(params), _field(params))
    budget.check(query, *filters)
    search = Search(
        query=query,
        labels=labels,
        filters=filters,
        sort=sort_of(str(params.get("sort") or "")),
        start=int(params.get("start") or 0),
        rows=int(params.get("rows", 10)),
        facets=_facets(params),
        wanted=_wanted(" ".join(str(part) for part in _many(params.get("fl")))),
    )
    if search.start + search.rows > DEEPEST and not ranking.by_one_stored_key(search):
        raise RequestError(f"Pages end at hit {DEEPEST}; sort by one field such as id or metadata_modified to go deeper.")
    return search


def _filters(texts: tuple[str, ...], all_words: bool, field: str) -> tuple[Node, ...]:
    read = _filters_read if sum(map(len, texts)) <= SHORT else _filters_read.__wrapped__
    return read(texts, all_words, field)


@lru_cache(maxsize=500)
def _filters_read(texts: tuple[str, ...], all_words: bool, field: str) -> tuple[Node, ...]:
    """Most come along with every question."""
    return tuple(_read(text, all_words, field) for text in texts if text.strip())


def _main_query(params: Mapping[str, Any]) -> Node:
    text = str(params.get("q") or "*:*")
    if params.get("defType") in ("dismax", "edismax") and "{!" not in text and text.strip() != "*:*":
        return _free_text(text, params)
    return parsed(text, params)


def _free_text(text: str, params: Mapping[str, Any]) -> Node:
    if params.get("defType") == "edismax" and re.search(r"\b(AND|OR|NOT)\b|:|\(|\*", text):
        return parsed(text, params)
    weighted = _weighted(str(params.get("qf") or "text"))
    return lucene.free_words(text, weighted, str(params.get("mm") or "100%"), float(params.get("tie") or 0.0))


@lru_cache(maxsize=100)
def _weighted(fields: str) -> tuple[tuple[str, float], ...]:
    """The fields of `name^4 title^4 text` with their weights."""
    return tuple((name, float(weight or 1)) for name, weight in _WEIGHT.findall(fields))


def parsed(text: str, params: Mapping[str, Any]) -> Node:
    """A query with its local parameters, `{!lucene q.op=OR}…`, `{!bool must=…}`; CKAN has refused all that are not allowed."""
    return _read(str(text), _joined_by_and(params), _field(params))


def _joined_by_and(params: Mapping[str, Any]) -> bool:
    """Whether words that no operator joins must all hold."""
    return str(params.get("q.op", "AND")).upper() != "OR"


def _field(params: Mapping[str, Any]) -> str:
    """The field of words that name none."""
    return str(params.get("df") or "text")


def _read(text: str, all_words: bool, field: str) -> Node:
    if len(text) > LONGEST:
        raise RequestError(f"The query is longer than {LONGEST} letters.")
    local = _LOCAL.match(text)
    if local is None:
        return lucene.parse(text, field, all_words)
    options = _local_options(local[1])
    kind = options.get("type", [""])[0]
    if kind == "bool":
        return _bool(options, field)
    if kind in ("lucene", ""):
        if "q.op" in options:
            all_words = options["q.op"][0].upper() != "OR"
        body = options.get("v", [local[2]])[0]
        return lucene.parse(body, options.get("df", [field])[0], all_words)
    raise RequestError(f"The query parser {kind} is not supported.")


def _local_options(text: str) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    for key, single, double, bare, kind in _PAIR.findall(text):
        options.setdefault(key or "type", []).append(single or double or bare or kind)
    return options


def _bool(options: Mapping[str, list[str]], field: str) -> Node:
    def nodes(name: str) -> list[Node]:
        return [lucene.parse(text, field) for text in options.get(name, [])]

    required = [*nodes("must"), *nodes("filter"), *(tree.Not(node) for node in nodes("must_not"))]
    wished = nodes("should")
    if wished and not required:
        return tree.either(*wished)
    return tree.Better(tree.both(*required), tuple(wished)) if wished else tree.both(*required)


@lru_cache(maxsize=500)
def sort_of(text: str | None) -> tuple[Sort, ...]:
    """`title_string asc, metadata_modified desc`; raises SortError for what has not this form."""
    keys = []
    for part in (text or "").split(","):
        if not part.strip():
            continue
        match = _SORT.fullmatch(part)
        if match is None:
            raise SortError(f"Can't determine a Sort Order (asc or desc) in sort spec '{part.strip()}'")
        keys.append(Sort(match[1], match[2].lower() == "desc"))
    return tuple(keys)


def _facets(params: Mapping[str, Any]) -> tuple[Facet, ...]:
    if str(params.get("facet", "false")).lower() not in ("true", "on", "1"):
        return ()
    limit = int(params.get("facet.limit", 100))
    minimum = max(1, int(params.get("facet.mincount", 1)))
    names = tuple(str(name) for name in _many(params.get("facet.field")))
    return _counted(names, None if limit < 0 else limit, minimum)


@lru_cache(maxsize=100)
def _counted(names: tuple[str, ...], limit: int | None, minimum: int) -> tuple[Facet, ...]:
    return tuple(Facet(name, limit, minimum) for name in dict.fromkeys(names))


def _many(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


@lru_cache(maxsize=500)
def _wanted(fl: str) -> frozenset[str] | None:
    """The fields to give back; CKAN parts them by spaces or commas."""
    names = frozenset(name for name in re.split(r"[\s,]+", fl) if name)
    return None if not names or "*" in names else names

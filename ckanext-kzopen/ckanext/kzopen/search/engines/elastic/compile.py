"""The query tree → Elasticsearch's query DSL; what a node means is told in `tree.py`, and is the same for every engine."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.search import analysis, dates, fields
from ckanext.kzopen.search.engines.elastic.mapping import INTEGERS, NGRAMS, TEXTS, marked, sortable_float, sortable_integer
from ckanext.kzopen.search.fields import Kind
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

Query = dict[str, Any]
_LOWEST, _HIGHEST = "", "\U0010ffff"  # flattened fields want both bounds
_FURTHEST = 2**63 - 1
_LONGEST_FUZZY = 100
NONE: Query = {"match_none": {}}
ALL: Query = {"match_all": {}}


class Compiler:
    """Compiles trees; `now` is the moment that NOW stands for."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC)

    def query(self, node: Node) -> Query:
        """The query that holds for exactly the documents for which the node holds."""
        match node:
            case And(nodes):
                return self._conjunction(nodes)
            case Or(nodes, minimum):
                return {"bool": {"should": [self.query(child) for child in nodes], "minimum_should_match": minimum}}
            case Better(required, wished):
                return {"bool": {"must": [self.query(required)], "should": [self.query(wish) for wish in wished]}}
            case Not(child):
                return {"bool": {"must_not": [self.query(child)]}}
            case Boost(child, factor):
                return {"bool": {"must": [self.query(child)], "boost": factor}}
            case Words():
                return _words(node)
            case _:
                return self._leaf(node)

    def _conjunction(self, nodes: tuple[Node, ...]) -> Query:
        """A negation inside a conjunction needs no query of its own."""
        wanted = [self.query(node) for node in nodes if not isinstance(node, Not)]
        unwanted = [self.query(node.child) for node in nodes if isinstance(node, Not)]
        return {"bool": {"must": wanted, "must_not": unwanted}}

    def _leaf(self, node: Node) -> Query:
        match node:
            case All():
                return ALL
            case Term(field, value):
                return self._term(field, value)
            case Phrase(field, value, slop):
                return self._phrase(field, value, slop)
            case OneOf(field, values):
                return {"terms": {keyword_path(field): sorted(values)}}
            case Prefix(field, value):
                return _prefix(field, value)
            case Wildcard(field, pattern):
                return _wildcard(field, pattern)
            case Fuzzy(field, value, distance):
                return self._fuzzy(field, value, distance)
            case Range():
                return self._range(node)
            case Exists(field):
                return _exists(field)
            case _:
                return NONE

    def _term(self, field: str, value: str) -> Query:
        kind = fields.kind(field)
        if kind in (Kind.DATE, Kind.NUMBER):
            return self._range(Range(field, value, value))
        if kind is Kind.NGRAM:
            return _all([{"term": {field: word.lower()}} for word in value.split()])
        if kind is not Kind.TEXT:
            return {"constant_score": {"filter": {"term": {keyword_path(field): value}}}}
        return _all_of(field, analysis.tokens(value))

    def _phrase(self, field: str, value: str, slop: int) -> Query:
        if fields.kind(field) is not Kind.TEXT:
            return self._term(field, value)
        return _phrase(field, analysis.tokens(value), slop)

    def _fuzzy(self, field: str, value: str, distance: int) -> Query:
        if fields.kind(field) is Kind.TEXT:
            return _all([_near(*_place(field, token), distance) for token in analysis.tokens(value)])
        if field not in fields.KEYWORDS:
            return self._term(field, value)
        return _near(field, value[:_LONGEST_FUZZY], 0, distance)

    def _range(self, node: Range) -> Query:
        if node.low is None and node.high is None:
            return _exists(node.field)
        kind = fields.kind(node.field)
        if kind is Kind.DATE:
            return self._moments(node)
        if kind is Kind.NUMBER:
            return _numbers(node)
        if node.field not in fields.KEYWORDS and _is_number(node.low) and _is_number(node.high):
            low, high = (None if bound is None else sortable_float(float(bound)) for bound in (node.low, node.high))
            return _texts_between(f"num.{node.field}", node, low, high)
        return _texts_between(keyword_path(node.field), node, node.low, node.high)

    def _moments(self, node: Range) -> Query:
        low = None if node.low is None else dates.of_bound(node.low, not node.include_low, self._now)
        high = None if node.high is None else dates.of_bound(node.high, node.include_high, self._now)
        if (low is None) != (node.low is None) or (high is None) != (node.high is None):
            return NONE
        if node.field in INTEGERS:
            return _between(node.field, node, low, high)
        below, above = (None if bound is None else sortable_integer(bound) for bound in (low, high))
        return _texts_between(f"at.{node.field}", node, below, above)


def keyword_path(field: str) -> str:
    """Where the exact values of a field lie."""
    return field if field in fields.KEYWORDS else f"kw.{field}"


def _place(field: str, token: str) -> tuple[str, str, int]:
    """Where a token of a text field lies, how it is written there, and how many of its letters are the field's mark."""
    if field in TEXTS:
        return field, token, 0
    written = marked(field, token)
    return "tx", written, len(written) - len(token)


def _exact(field: str, token: str) -> Query:
    target, written, _mark = _place(field, token)
    return {"term": {target: written}}


def _near(target: str, written: str, mark: int, distance: int) -> Query:
    """All values within `distance` letters; the mark of the field is not for changing."""
    asked = {"value": written, "fuzziness": distance, "prefix_length": mark, "rewrite": "constant_score"}
    return {"fuzzy": {target: asked}}


def _phrase(field: str, tokens: list[str], slop: int) -> Query:
    if len(tokens) < 2:
        return _all_of(field, tokens)
    target = field if field in TEXTS else "tx"
    written = " ".join(_place(field, token)[1] for token in tokens)
    return {"match_phrase": {target: {"query": written, "slop": slop, "analyzer": "spaces"}}}


def _all_of(field: str, tokens: list[str]) -> Query:
    return _all([_exact(field, token) for token in tokens])


def _all(queries: list[Query]) -> Query:
    """All of them; none of nothing."""
    if not queries:
        return NONE
    return queries[0] if len(queries) == 1 else {"bool": {"must": queries}}


def _prefix(field: str, value: str) -> Query:
    if fields.kind(field) is not Kind.TEXT:
        return {"prefix": {keyword_path(field): {"value": value}}}
    words = analysis.words(value)
    if not words:
        return _exists(field)
    *whole, begun = words
    forms = [_place(field, form)[:2] for form in sorted({begun, analysis.token(begun)})]
    begins = {"bool": {"should": [{"prefix": {target: {"value": form}}} for target, form in forms], "minimum_should_match": 1}}
    return _all([*(_exact(field, analysis.token(word)) for word in whole), begins])


def _wildcard(field: str, pattern: str) -> Query:
    """Patterns are for the fields that have a place of their own; elsewhere the letters before the first one must do."""
    shape = pattern.replace("\\", "\\\\")
    if field in TEXTS:
        return {"wildcard": {field: {"value": shape.lower()}}}
    if field in fields.KEYWORDS:
        return {"wildcard": {field: {"value": shape}}}
    return _prefix(field, re.split(r"[*?]", pattern, maxsplit=1)[0])


def _exists(field: str) -> Query:
    if field in fields.KEYWORDS or field in INTEGERS or field in TEXTS or field in NGRAMS:
        return {"exists": {"field": field}}
    return {"exists": {"field": f"at.{field}" if fields.kind(field) is Kind.DATE else f"kw.{field}"}}


def _numbers(node: Range) -> Query:
    if not (_is_number(node.low) and _is_number(node.high)):
        return NONE
    low, high = (None if bound is None else int(float(bound)) for bound in (node.low, node.high))
    return _between(node.field, node, low, high)


def _between(target: str, node: Range, low: int | None, high: int | None) -> Query:
    """A range of whole numbers; a bound that no stored number reaches is as good as none."""
    bounds: dict[str, int] = {}
    if low is not None:
        bounds["gte" if node.include_low else "gt"] = max(low, -_FURTHEST)
    if high is not None:
        bounds["lte" if node.include_high else "lt"] = min(high, _FURTHEST)
    return {"range": {target: bounds}}


def _texts_between(target: str, node: Range, low: str | None, high: str | None) -> Query:
    bounds = {
        "gte" if node.include_low or low is None else "gt": _LOWEST if low is None else low,
        "lte" if node.include_high or high is None else "lt": _HIGHEST if high is None else high,
    }
    return {"range": {target: bounds}}


def _words(node: Words) -> Query:
    clauses: dict[Occur, list[Query]] = {occur: [] for occur in Occur}
    for word in node.words:
        query = _best_field(word, node.fields, node.tie)
        if query is not None:
            clauses[word.occur].append(query)
    if not any(clauses.values()):
        return NONE
    may = clauses[Occur.MAY]
    asked: Query = {"must": clauses[Occur.MUST], "should": may, "must_not": clauses[Occur.NOT]}
    least = min(node.minimum, len(may))
    if may and least == 0 and not asked["must"]:
        asked["filter"] = [{"match_all": {}}]  # else one of the words that need not occur would be demanded
    return {"bool": asked | ({"minimum_should_match": least} if may else {})}


def _best_field(word: Word, weighted: tuple[tuple[str, float], ...], tie: float) -> Query | None:
    """The word in its best field; None for what is no word at all, such as a dash."""
    tokens = analysis.tokens(word.text)
    if not tokens:
        return None
    found = [{"bool": {"must": [_word_in(field, word, tokens)], "boost": weight}} for field, weight in weighted]
    found += [
        {"bool": {"must": [_phrase(field, [*also.tokens], 0)], "boost": weight * also.weight}}
        for field, weight in weighted
        for also in word.also
        if fields.kind(field) is Kind.TEXT
    ]
    return {"dis_max": {"queries": found, "tie_breaker": tie}}


def _word_in(field: str, word: Word, tokens: list[str]) -> Query:
    if fields.kind(field) is not Kind.TEXT:
        return {"term": {keyword_path(field): word.text}}
    return _phrase(field, tokens, 0) if word.phrase else _all_of(field, tokens)


def _is_number(bound: str | None) -> bool:
    return bound is None or re.fullmatch(r"-?\d+(\.\d+)?", bound, re.ASCII) is not None

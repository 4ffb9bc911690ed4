"""Which documents need not be looked at for a search: those that have none of the words and values that it demands.

Of several words one is demanded: a document that a tree holds for has at least one of them, in whatever field. The opposite
is not said: of a document that has one, only `evaluation` tells whether it is a hit. Parts that no word or value stands for
(dates, beginnings of words, patterns, what is forbidden) demand nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from ckanext.kzopen.search import analysis, fields
from ckanext.kzopen.search.fields import Kind
from ckanext.kzopen.search.tree import And, Better, Boost, Node, Nothing, Occur, OneOf, Or, Phrase, Term, Word, Words

ANY = 0
"""Offered by every document, and all that a search without a demand demands."""
SHARED = frozenset({"site_id", "state"})
"""Fields in which nearly all documents are alike."""
SECTION = "entity_type"


@dataclass(frozen=True)
class _Demand:
    """One of `words` must be there; the more `telling`, the fewer documents have one."""

    words: frozenset[str]
    telling: int


_NOTHING = _Demand(frozenset({""}), -1)
_IMPOSSIBLE = _Demand(frozenset(), 1_000)
MOST = 3
"""Demands that are kept of a search; the more of them, the fewer documents are looked at in vain."""


def demanded(nodes: Sequence[Node]) -> list[list[int]]:
    """MOST lists of numbers of words and values, the most telling first: a document for which all of the nodes hold has one of
    each list. One list is empty when none can."""
    found = sorted({one for node in nodes for one in _all_of(node)}, key=_order)[:MOST]
    return [_numbers(one) for one in (*found, *[_NOTHING] * (MOST - len(found)))]


def _numbers(demand: _Demand) -> list[int]:
    return [ANY] if "" in demand.words else sorted(map(_number, demand.words))


def offered(document: dict[str, Any]) -> list[int]:
    """The numbers of all words and values that a document (an IndexDocument as a dict) has."""
    found = {"", *(value for values in document["keywords"].values() for value in values)}
    for text in document["texts"].values():
        found.update(text.split())
    return sorted(map(_number, found))


def _number(word: str) -> int:
    """Two words may have the same: one document more is looked at then."""
    return crc32(word.encode("utf-8", "surrogatepass")) if word else ANY


def _most_telling(demands: Iterable[_Demand]) -> _Demand:
    return min(demands, key=_order, default=_NOTHING)


def _order(demand: _Demand) -> tuple[int, int]:
    return -demand.telling, len(demand.words)


def _one_of(demands: Iterable[_Demand]) -> _Demand:
    """Any of the alternatives will do."""
    whole = [one for one in demands if one is not _IMPOSSIBLE]
    if not whole:
        return _IMPOSSIBLE
    return _Demand(frozenset().union(*(one.words for one in whole)), min(one.telling for one in whole))


def _some_of(demands: Iterable[_Demand], least: int) -> list[_Demand]:
    """At least so many must be met: of any that are one more than may be missed, one is."""
    by_order = sorted(demands, key=_order)
    if least > len(by_order):
        return [_IMPOSSIBLE]
    window = len(by_order) - least + 1
    return [_one_of(by_order[start : start + window]) for start in range(max(0, least))]


def _of(node: Node) -> _Demand:
    """The most telling demand of a node."""
    return _most_telling(_all_of(node))


def _all_of(node: Node) -> list[_Demand]:
    """All demands of a node; each has to be met."""
    match node:
        case Nothing():
            return [_IMPOSSIBLE]
        case And(nodes):
            return [one for child in nodes for one in _all_of(child)]
        case Or(nodes, minimum):
            return _some_of(map(_of, nodes), minimum)
        case Better(child) | Boost(child):
            return _all_of(child)
        case Words():
            return _words(node)
        case Term(field, value) | Phrase(field, value):
            return _value(field, value)
        case OneOf(field, values):
            return [_values(field, values)]
        case _:
            return []


def _value(field: str, value: str) -> list[_Demand]:
    kind = fields.kind(field)
    if kind is Kind.TEXT:
        return _tokens(analysis.tokens(value))
    return [_values(field, [value])] if kind is Kind.KEYWORD else []


def _values(field: str, values: Iterable[str]) -> _Demand:
    """A value of a list is mostly that of many documents, a section that of more."""
    if field in SHARED:
        return _NOTHING
    return _one_of(_Demand(frozenset({value}), int(field != SECTION)) for value in values)


def _tokens(tokens: Sequence[str]) -> list[_Demand]:
    """All of them; the longest is the rarest."""
    return [_Demand(frozenset({token}), 1 + len(token)) for token in tokens] or [_IMPOSSIBLE]


def _words(node: Words) -> list[_Demand]:
    readable = [word for word in node.words if analysis.tokens(word.text)]
    if not readable:
        return [_IMPOSSIBLE]
    may = [_word(word, node) for word in readable if word.occur is Occur.MAY]
    must = [_word(word, node) for word in readable if word.occur is Occur.MUST]
    return must + _some_of(may, min(node.minimum, len(may)))


def _word(word: Word, node: Words) -> _Demand:
    """In some field, as it was written or in other words."""
    return _one_of(_in_fields(word, [field for field, _weight in node.fields]))


def _in_fields(word: Word, names: Sequence[str]) -> Iterator[_Demand]:
    if any(fields.kind(name) is Kind.TEXT for name in names):
        for tokens in (analysis.tokens(word.text), *(also.tokens for also in word.also)):
            yield _most_telling(_tokens(tokens))
    if any(fields.kind(name) is not Kind.TEXT for name in names):
        yield _Demand(frozenset({word.text}), 1 + len(word.text))

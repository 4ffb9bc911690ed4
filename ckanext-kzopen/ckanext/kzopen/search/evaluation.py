"""What a search means, in plain Python over documents: short, what both engines are held to, and how saved searches are told.

Phrases are read without slop: engines count moves of words differently.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ckanext.kzopen.search import analysis, dates, fields, ranking
from ckanext.kzopen.search.engines.base import Facet, Search
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
from ckanext.kzopen.search.visibility import sees

Fields = dict[str, Any]
"""An IndexDocument as a dict."""
INTEGERS = fields.DATES | fields.NUMBERS
OWN_TEXTS = ("text", "title", "notes")


def found(documents: Sequence[Fields], search: Search) -> list[Fields]:
    """The hits in order; equal ones in the order of the documents. An order by score is left to the engines."""
    wanted = (search.query, *search.filters)
    now = datetime.now(UTC)
    hits = [one for one in documents if sees(one, search.labels, now) and all(holds(node, one) for node in wanted)]
    for key in reversed([key for key in ranking.effective(search) if key.field != fields.SCORE]):
        with_key = [one for one in hits if _order_key(one, key.field) is not None]
        without = [one for one in hits if _order_key(one, key.field) is None]
        hits = sorted(with_key, key=lambda one: _order_key(one, key.field), reverse=key.descending) + without
    return hits


def facet(hits: Sequence[Fields], asked: Facet) -> list[tuple[str, int]]:
    """Values with their number of hits, most frequent first, equal ones by value."""
    if asked.field in fields.UNCOUNTED:
        return []
    counted = Counter(value for one in hits for value in set(one["keywords"].get(asked.field, ())))
    pairs = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0].encode()))
    return [pair for pair in pairs if pair[1] >= max(1, asked.minimum)][: asked.limit]


def _order_key(one: Fields, field: str) -> Any:
    if field in fields.SORTED_KEYWORDS:
        return one["order"].get(field)
    return one["moments"].get(field) if field in fields.DATES else one["numbers"].get(field)


def holds(node: Node, one: Fields) -> bool:
    """Whether the node holds for the document."""
    match node:
        case All():
            return True
        case And(nodes):
            return all(holds(child, one) for child in nodes)
        case Or(nodes, minimum):
            return sum(holds(child, one) for child in nodes) >= minimum
        case Better(required, _wished):
            return holds(required, one)
        case Not(child):
            return not holds(child, one)
        case Boost(child, _factor):
            return holds(child, one)
        case Words():
            return _words(node, one)
        case Term(field, value):
            return _term(field, value, one)
        case Phrase(field, value, _slop):
            return _phrase(field, value, one) if fields.kind(field) is Kind.TEXT else _term(field, value, one)
        case OneOf(field, values):
            return not values.isdisjoint(one["keywords"].get(field, ()))
        case Prefix(field, value):
            return _prefix(field, value, one)
        case Wildcard(field, pattern):
            return _wildcard(field, pattern, one)
        case Fuzzy(field, value, distance):
            return _fuzzy(field, value, distance, one)
        case Range():
            return _range(node, one)
        case Exists(field):
            return _exists(field, one)
        case _:
            return False


def _tokens(field: str, one: Fields) -> list[str]:
    return _split(str(one["texts"].get(field, "")))[0]


def _has_all(tokens: Sequence[str], field: str, one: Fields) -> bool:
    return _split(str(one["texts"].get(field, "")))[1].issuperset(tokens)


@lru_cache(maxsize=64)
def _split(text: str) -> tuple[list[str], frozenset[str]]:
    """Thousands of saved searches look into the same few texts, one after another."""
    tokens = text.split()
    return tokens, frozenset(tokens)


def _term(field: str, value: str, one: Fields) -> bool:
    kind = fields.kind(field)
    if kind in (Kind.DATE, Kind.NUMBER):
        return _range(Range(field, value, value), one)
    if kind is Kind.NGRAM:
        words = value.lower().split()
        inside = one["ngrams"].get(field, "").lower().split()
        return bool(words) and all(2 <= len(word) <= 10 and any(word in other for other in inside) for word in words)
    if kind is not Kind.TEXT:
        return value in one["keywords"].get(field, ())
    tokens = analysis.tokens(value)
    return bool(tokens) and _has_all(tokens, field, one)


def _phrase(field: str, value: str, one: Fields) -> bool:
    return _follows(analysis.tokens(value), field, one)


def _follows(tokens: Sequence[str], field: str, one: Fields) -> bool:
    wanted, there = list(tokens), _tokens(field, one)
    if not wanted or not _has_all(wanted, field, one):
        return False
    return any(there[at : at + len(wanted)] == wanted for at in range(len(there)))


def _prefix(field: str, value: str, one: Fields) -> bool:
    if fields.kind(field) is not Kind.TEXT:
        return any(known.startswith(value) for known in one["keywords"].get(field, ()))
    words = analysis.words(value)
    if not words:
        return _exists(field, one)
    there = _tokens(field, one)
    begun = (words[-1], analysis.token(words[-1]))
    return all(analysis.token(word) in there for word in words[:-1]) and any(token.startswith(begun) for token in there)


def _wildcard(field: str, pattern: str, one: Fields) -> bool:
    if field in OWN_TEXTS:
        return any(_shape(pattern.lower()).fullmatch(token) for token in _tokens(field, one))
    if field in fields.KEYWORDS:
        return any(_shape(pattern).fullmatch(value) for value in one["keywords"].get(field, ()))
    return _prefix(field, re.split(r"[*?]", pattern, maxsplit=1)[0], one)


def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern), re.DOTALL)


def _fuzzy(field: str, value: str, distance: int, one: Fields) -> bool:
    if fields.kind(field) is Kind.TEXT:
        tokens = analysis.tokens(value)
        return bool(tokens) and all(any(apart(token, known) <= distance for known in _tokens(field, one)) for token in tokens)
    if field not in fields.KEYWORDS:
        return _term(field, value, one)
    return any(apart(value, known) <= distance for known in one["keywords"].get(field, ()))


def apart(left: str, right: str) -> int:
    """Letters to add, drop, change, or swap with their neighbour."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            row.append(min(row[j - 1] + 1, rows[i - 1][j] + 1, rows[i - 1][j - 1] + (a != b)))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                row[j] = min(row[j], rows[i - 2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def _range(node: Range, one: Fields) -> bool:
    if node.low is None and node.high is None:
        return _exists(node.field, one)
    kind = fields.kind(node.field)
    if kind is Kind.DATE:
        return _moments(node, one)
    if kind is Kind.NUMBER:
        return _numbers(node, one, whole=True)
    if node.field not in fields.KEYWORDS and _is_number(node.low) and _is_number(node.high):
        return _numbers(node, one, whole=False)
    return any(
        _inside(value.encode(), _coded(node.low), _coded(node.high), node) for value in one["keywords"].get(node.field, ())
    )


def _coded(bound: str | None) -> bytes | None:
    return None if bound is None else bound.encode()


def _moments(node: Range, one: Fields) -> bool:
    now = datetime.now(UTC)
    low = None if node.low is None else dates.of_bound(node.low, not node.include_low, now)
    high = None if node.high is None else dates.of_bound(node.high, node.include_high, now)
    if (low is None) != (node.low is None) or (high is None) != (node.high is None):
        return False
    moment = one["moments"].get(node.field)
    return moment is not None and _inside(moment, low, high, node)


def _numbers(node: Range, one: Fields, *, whole: bool) -> bool:
    number = one["numbers"].get(node.field)
    if number is None or not (_is_number(node.low) and _is_number(node.high)):
        return False
    read = (lambda text: int(float(text))) if whole else float
    low, high = (None if bound is None else read(bound) for bound in (node.low, node.high))
    return _inside(int(number) if whole else number, low, high, node)


def _is_number(bound: str | None) -> bool:
    return bound is None or re.fullmatch(r"-?\d+(\.\d+)?", bound, re.ASCII) is not None


def _inside(value: Any, low: Any, high: Any, node: Range) -> bool:
    above = low is None or value > low or (node.include_low and value == low)
    return bool(above and (high is None or value < high or (node.include_high and value == high)))


def _exists(field: str, one: Fields) -> bool:
    if field in INTEGERS or fields.kind(field) is Kind.DATE:
        return field in one["moments"] or field in one["numbers"]
    if field in OWN_TEXTS:
        return bool(_tokens(field, one))
    if field in fields.NGRAMS:
        return any(len(word) > 1 for word in one["ngrams"].get(field, "").split())
    return bool(one["keywords"].get(field))


def _words(node: Words, one: Fields) -> bool:
    readable = [word for word in node.words if analysis.tokens(word.text)]
    if not readable:
        return False
    may = [_in_some_field(word, node, one) for word in readable if word.occur is Occur.MAY]
    must = all(_in_some_field(word, node, one) for word in readable if word.occur is Occur.MUST)
    unwanted = any(_in_some_field(word, node, one) for word in readable if word.occur is Occur.NOT)
    return must and not unwanted and sum(may) >= min(node.minimum, len(may))


def _in_some_field(word: Word, node: Words, one: Fields) -> bool:
    return any(_in_field(word, field, one) for field, _weight in node.fields)


def _in_field(word: Word, field: str, one: Fields) -> bool:
    if fields.kind(field) is not Kind.TEXT:
        return word.text in one["keywords"].get(field, ())
    if any(_follows(also.tokens, field, one) for also in word.also):
        return True
    return _phrase(field, word.text, one) if word.phrase else _term(field, word.text, one)

"""The query tree → tantivy's queries."""

from __future__ import annotations

import re
from binascii import b2a_base64
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, lru_cache

import tantivy
from ckanext.kzopen.search import analysis, dates, fields, visibility
from ckanext.kzopen.search.engines.tantivy import spans
from ckanext.kzopen.search.engines.tantivy.schema import (
    EXACT,
    INTEGERS,
    KEYWORDS,
    LONGEST_GRAM,
    MOMENTS,
    NGRAMS,
    RANKED,
    SHORTEST_GRAM,
    TERMS,
    TEXTS,
    behind,
    closed,
    dated,
    in_exact,
    mark,
    opened,
    path,
    present,
    ranged,
    schema,
)
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
    Nothing,
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
from ckanext.kzopen.search.tree import Occur as WordOccur
from tantivy import FieldType, Occur, Query

_FAR = 2**62
_LONGEST_FUZZY = 100
_FEW = 50

_OCCURS = {WordOccur.MAY: Occur.Should, WordOccur.MUST: Occur.Must, WordOccur.NOT: Occur.MustNot}

Leaf = All | Nothing | Term | OneOf | Phrase | Prefix | Wildcard | Fuzzy | Range | Exists


class Compiler:
    """Compiles trees for one index; `now` is the moment that NOW stands for."""

    def __init__(self, index: tantivy.Index, now: datetime | None = None) -> None:
        self._index = index
        self._now = now or datetime.now(UTC)

    def query(self, node: Node) -> Query:
        """The query that holds for exactly the documents for which the node holds."""
        match node:
            case And() | Or() | Better() | Not() | Boost():
                return self._joined(node)
            case Words():
                return self._words(node)
            case _:
                return self._leaf(node)

    def condition(self, node: Node) -> Query:
        """The same without influence on the score."""
        if isinstance(node, Term | OneOf) and fields.kind(node.field) is Kind.KEYWORD and not _is_long(node):
            return _keyword_condition(node)  # every question brings the same few along
        return Query.const_score_query(self.query(node), 0.0)

    def visible(self, labels: frozenset[str] | None, among_all: bool) -> list[tuple[Occur, Query]]:
        """The clauses that leave of the hits those for which `visibility.condition` holds.

        tantivy unites lists by walking over all of them. So the few that are hidden are taken away from the hits, but where
        hits are sought `among_all` documents: there, to look at each hit would cost more.
        """
        if labels is None:
            return []
        if visibility.PUBLIC not in labels:
            return [(Occur.Must, self.condition(visibility.condition(labels)))]
        later, own = visibility.hidden(labels)
        mine = [self.condition(own)] if own.values else []
        late = self._moments(later)
        if among_all:
            since = _boolean([(Occur.Must, _marked(dated())), (Occur.MustNot, late)])
            seen = _boolean([(Occur.Should, one) for one in (_marked(opened()), since, *mine)], 1)
            return [(Occur.Must, Query.const_score_query(seen, 0.0))]
        but = [(Occur.MustNot, one) for one in mine]
        closed_later = Query.boolean_query([(Occur.Must, _marked(dated())), (Occur.Must, late), *but])
        return [(Occur.MustNot, _closed_but(own)), (Occur.MustNot, closed_later)]

    def _joined(self, node: And | Or | Better | Not | Boost) -> Query:
        match node:
            case And(nodes):
                return _boolean([self._clause(child, Occur.Must) for child in nodes])
            case Or(nodes, minimum):
                return _boolean([(Occur.Should, self.query(child)) for child in nodes], minimum)
            case Better(required, wished):
                # A required negation stays a query of its own: beside wishes alone, tantivy would demand one of them.
                return _boolean([(Occur.Must, self.query(required)), *((Occur.Should, self.query(w)) for w in wished)])
            case Not(child):
                return _boolean([(Occur.MustNot, self.query(child))])
            case Boost(child, factor):
                return Query.boost_query(self.query(child), factor)

    def _clause(self, node: Node, occur: Occur) -> tuple[Occur, Query]:
        """A negation inside a conjunction needs no query of its own."""
        if isinstance(node, Not):
            return Occur.MustNot, self.query(node.child)
        return occur, self.query(node)

    def _leaf(self, node: Leaf) -> Query:
        match node:
            case All():
                return Query.all_query()
            case Term(field, value):
                return self._term(field, value)
            case Phrase(field, value, slop):
                return self._phrase(field, value, slop)
            case OneOf(field, values):
                return _one_of(field, values)
            case Prefix(field, value):
                return self._prefix(field, value)
            case Wildcard(field, pattern):
                return self._wildcard(field, pattern)
            case Fuzzy(field, value, distance):
                return self._fuzzy(field, value, distance)
            case Range():
                return self._range(node)
            case Exists(field):
                return _exists(field)
            case Nothing():
                return Query.empty_query()

    def _term(self, field: str, value: str) -> Query:
        kind = fields.kind(field)
        if kind in (Kind.DATE, Kind.NUMBER):
            return self._range(Range(field, value, value))
        if kind is Kind.NGRAM:
            return _boolean([(Occur.Must, _run(field, word.lower())) for word in value.split()])
        if kind is not Kind.TEXT:
            return Query.const_score_query(_keyword(field, value), 1.0)
        return _all_of(field, analysis.tokens(value))

    def _phrase(self, field: str, value: str, slop: int) -> Query:
        if fields.kind(field) is not Kind.TEXT:
            return self._term(field, value)
        return phrase(field, analysis.tokens(value), slop)

    def _prefix(self, field: str, value: str) -> Query:
        if fields.kind(field) is not Kind.TEXT:
            target, before = _terms_of(field)
            return _prefix(target, before + value)
        words = analysis.words(value)
        if not words:
            return _exists(field)
        *whole, begun = words
        begins = _boolean([(Occur.Should, _prefix(text_path(field), f)) for f in {begun, analysis.token(begun)}], 1)
        return _boolean([*((Occur.Must, exact(text_path(field), analysis.token(w))) for w in whole), (Occur.Must, begins)])

    def _wildcard(self, field: str, pattern: str) -> Query:
        if fields.kind(field) is Kind.TEXT and field in TEXTS:
            return Query.regex_query(schema(), field, _regex(pattern.lower()))
        if field in KEYWORDS:
            target, before = _terms_of(field)
            return Query.regex_query(schema(), target, before + _regex(pattern))
        # tantivy has no patterns inside JSON: the letters before the first one must do.
        return self._prefix(field, re.split(r"[*?]", pattern, maxsplit=1)[0])

    def _fuzzy(self, field: str, value: str, distance: int) -> Query:
        if fields.kind(field) is not Kind.TEXT:
            if field not in KEYWORDS:
                return self._term(field, value)  # a whole value that people named freely is not a word to misspell
            target, before = _terms_of(field)
            return Query.fuzzy_term_query(schema(), target, before + value[:_LONGEST_FUZZY], distance)
        found = [Query.fuzzy_term_query(schema(), text_path(field), t, distance) for t in analysis.tokens(value)]
        return _boolean([(Occur.Must, query) for query in found])

    def _range(self, node: Range) -> Query:
        if node.low is None and node.high is None:
            return _exists(node.field)
        kind = fields.kind(node.field)
        if kind is Kind.DATE:
            return self._moments(node)
        if kind is Kind.NUMBER:
            return self._numbers(node)
        if node.field not in KEYWORDS and _is_number(node.low) and _is_number(node.high):
            return self._free_numbers(node)
        return self._exact_values(node)

    def _free_numbers(self, node: Range) -> Query:
        """tantivy panics at a whole and a broken bound together; each document has one number, so each may ask alone."""
        target, low, high = path("num", node.field), _as_float(node.low), _as_float(node.high)
        if low is None or high is None or float(low).is_integer() == float(high).is_integer():
            return self._parsed(target, node, low, high)
        return _boolean(
            [(Occur.Must, self._parsed(target, node, low, None)), (Occur.Must, self._parsed(target, node, None, high))]
        )

    def _exact_values(self, node: Range) -> Query:
        """Values between the bounds by their code points: by a pattern, or by way of `exact` where it has them."""
        if not in_exact(node.field):
            (target, before), pattern = _terms_of(node.field), spans.pattern(node)
            return Query.regex_query(schema(), target, before + pattern) if pattern else Query.empty_query()
        low = ranged(node.field, node.low or "")
        high = behind(node.field) if node.high is None else ranged(node.field, node.high)
        from_low = replace(node, include_low=node.include_low or node.low is None)
        return self._parsed(EXACT, from_low, in_base64(low), in_base64(high))

    def _numbers(self, node: Range) -> Query:
        if not (_is_number(node.low) and _is_number(node.high)):
            return Query.empty_query()
        low = -_FAR if node.low is None else int(float(node.low))
        high = _FAR if node.high is None else int(float(node.high))
        return _between(node, low, high)

    def _moments(self, node: Range) -> Query:
        low = None if node.low is None else dates.of_bound(node.low, not node.include_low, self._now)
        high = None if node.high is None else dates.of_bound(node.high, node.include_high, self._now)
        if (low is None) != (node.low is None) or (high is None) != (node.high is None):
            return Query.empty_query()
        if node.field in MOMENTS:
            return _between(node, -_FAR if low is None else low, _FAR if high is None else high)
        return self._parsed(path("at", node.field), node, low, high)

    def _parsed(self, target: str, node: Range, low: object, high: object) -> Query:
        """tantivy reaches a range of texts, or one inside JSON, through its query parser only."""
        left, right = "[" if node.include_low else "{", "]" if node.include_high else "}"
        text = f"{target}:{left}{'*' if low is None else low} TO {'*' if high is None else high}{right}"
        try:
            return self._index.parse_query(text)
        except ValueError:
            return Query.empty_query()

    def _words(self, node: Words) -> Query:
        clauses: list[tuple[Occur, Query]] = []
        may = 0
        for word in node.words:
            query = _best_field(word, node.fields, node.tie)
            if query is None:
                continue
            clauses.append((_OCCURS[word.occur], query))
            may += word.occur is WordOccur.MAY
        if not clauses:
            return Query.empty_query()
        least = min(node.minimum, may)
        if least == 0 and may and all(occur != Occur.Must for occur, _query in clauses):
            # Words that need not occur: without another demand, tantivy would ask for one of them.
            clauses.append((Occur.Must, Query.const_score_query(Query.all_query(), 0.0)))
        return _boolean(clauses, least)


def _best_field(word: Word, weighted: tuple[tuple[str, float], ...], tie: float) -> Query | None:
    """The word in its best field; None for what is no word at all, such as a dash."""
    tokens = analysis.tokens(word.text)
    if not tokens:
        return None
    found = []
    for field, weight in weighted:
        if fields.kind(field) is Kind.TEXT:
            query = phrase(field, tokens, 0) if word.phrase else _all_of(field, tokens)
            found += [Query.boost_query(phrase(field, [*also.tokens], 0), weight * also.weight) for also in word.also]
        else:
            query = _keyword(field, word.text)
        found.append(Query.boost_query(query, weight))
    return Query.disjunction_max_query(found, tie)


def _boolean(clauses: list[tuple[Occur, Query]], minimum: int | None = None) -> Query:
    """tantivy finds nothing for a purely negative query, where we mean all but these."""
    if not clauses:
        return Query.empty_query()
    if all(occur == Occur.MustNot for occur, _query in clauses):
        clauses = [(Occur.Must, Query.const_score_query(Query.all_query(), 0.0)), *clauses]
    if minimum is not None and any(occur == Occur.Should for occur, _query in clauses):
        return Query.boolean_query(clauses, minimum_number_should_match=minimum)
    return Query.boolean_query(clauses)


def in_base64(value: bytes) -> str:
    """Bytes as tantivy's query parser reads them; it knows all digits of base 64 for letters of a bound."""
    return b2a_base64(value, newline=False).decode()


def _between(node: Range, low: int, high: int) -> Query:
    return Query.range_query(schema(), node.field, FieldType.Integer, low, high, node.include_low, node.include_high)


def column(field: str) -> str:
    """Where the exact values of a field are counted."""
    return field if field in KEYWORDS else path("kw", field)


def _terms_of(field: str) -> tuple[str, str]:
    """Where the terms of a field's exact values lie, and what stands before each."""
    if field in RANKED or field not in KEYWORDS:
        return column(field), ""
    return TERMS, mark(field)


def _keyword(field: str, value: str) -> Query:
    """Documents that have this exact value."""
    target, before = _terms_of(field)
    return exact(target, before + value)


def text_path(field: str) -> str:
    """Where the tokens of a field lie."""
    return field if field in TEXTS else path("tx", field)


def phrase(field: str, tokens: list[str], slop: int) -> Query:
    """The tokens one after the other."""
    if len(tokens) < 2:
        return _all_of(field, tokens)
    words: list[str | tuple[int, str]] = [*tokens]
    return Query.phrase_query(schema(), text_path(field), words, slop)


def _all_of(field: str, tokens: list[str]) -> Query:
    if len(tokens) == 1:
        return exact(text_path(field), tokens[0])
    return _boolean([(Occur.Must, exact(text_path(field), token)) for token in tokens])


def _is_long(node: Term | OneOf) -> bool:
    return isinstance(node, OneOf) and len(node.values) > _FEW


@lru_cache(maxsize=2_000)
def _keyword_condition(node: Term | OneOf) -> Query:
    """`Compiler.condition` of values of a keyword field, which no index and no moment changes."""
    found = _one_of(node.field, node.values) if isinstance(node, OneOf) else _keyword(node.field, node.value)
    return Query.const_score_query(found, 0.0)


@lru_cache(maxsize=2_000)
def _closed_but(own: OneOf) -> Query:
    """What not everybody may find, without what holds for `own`, which no index and no moment changes."""
    but = [(Occur.MustNot, Query.const_score_query(_one_of(own.field, own.values), 0.0))] if own.values else []
    return _boolean([(Occur.Must, _marked(closed())), *but])


@cache
def _marked(standing: bytes) -> Query:
    """Documents with one of the three marks of `visibility`."""
    return exact(EXACT, standing)


def _one_of(field: str, values: frozenset[str]) -> Query:
    """Documents with one of the values. A set query lists all its documents first, so it is for many values only."""
    if len(values) > _FEW:
        target, before = _terms_of(field)
        return Query.term_set_query(schema(), target, [before + value for value in sorted(values)])
    return Query.const_score_query(_boolean([(Occur.Should, _keyword(field, value)) for value in sorted(values)]), 1.0)


def exact(target: str, value: str | bytes) -> Query:
    """Documents that hold this term."""
    return Query.term_query(schema(), target, value)


def _prefix(target: str, value: str) -> Query:
    return Query.fuzzy_term_query(schema(), target, value, distance=0, prefix=True)


def _run(field: str, letters: str) -> Query:
    """Documents with this run of letters inside a word of the field."""
    if SHORTEST_GRAM <= len(letters) <= LONGEST_GRAM:
        return _prefix(field, letters)
    return Query.empty_query()


def _exists(field: str) -> Query:
    kind = fields.kind(field)
    if field in TEXTS or field in NGRAMS:
        return Query.regex_query(schema(), field, ".+")
    if field in fields.UNCOUNTED:
        return Query.const_score_query(exact(EXACT, present(field)), 1.0)
    if field in KEYWORDS or field in INTEGERS:
        return Query.exists_query(field)
    return Query.exists_query(path("at" if kind is Kind.DATE else "kw", field))


def _regex(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)


def _is_number(bound: str | None) -> bool:
    return bound is None or re.fullmatch(r"-?\d+(\.\d+)?", bound, re.ASCII) is not None


def _as_float(bound: str | None) -> str | None:
    return None if bound is None else repr(float(bound))

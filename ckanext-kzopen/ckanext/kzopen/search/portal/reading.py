"""The words that people type → a tree. Nothing of them is an error: what was not taken literally is told as a hint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ckan.lib.search.query import QUERY_FIELDS
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.search import analysis, budget, fields, lucene, tree
from ckanext.kzopen.search.fields import Kind
from ckanext.kzopen.search.tree import Node, Occur

MINIMUM = "2<-1 5<80%"
TIE = 0.1
FIELDS: Mapping[str, str] = {
    "title": "title",
    "name": "name",
    "notes": "notes",
    "description": "notes",
    "tags": "tags",
    "tag": "tags",
    "organization": "organization",
    "format": "res_format",
    "license": "license_id",
    "columns": "columns",
    "column": "columns",
    "metadata_modified": "metadata_modified",
    "metadata_created": "metadata_created",
    "updated": "metadata_modified",
    "category": "extras_category",
}
"""The fields that people may name in the box, and those of documents that they mean."""

_PARSER = re.compile(r"^\s*\{!")
_FIELD = re.compile(r"(?<![\w\\\"/:])([^\W\d]\w*):(?=\S)(?!//)")
_COLON = re.compile(r":(?!//)")
_OPERATORS = re.compile(r"(?<!\S)(AND|OR|NOT|&&|\|\|)(?!\S)|(?<!\S)[-+!]?\(|[\w\"]~\d?|[\w\"]\^\d")
_PATTERN = re.compile(r"(?<![\\])[*?]")
_DANGLING = re.compile(r"(?:^|\s)(?:AND|OR|NOT|&&|\|\|)\s*$|^\s*(?:AND|OR|&&|\|\|)(?:\s|$)")
_LEADING = re.compile(r"(?<![\w*?\\.])[*?]+(?=\w)")


@dataclass(frozen=True)
class Reading:
    """What a query means, and what is told of how it was read: names of hints, see `hints.yaml`."""

    node: Node
    hints: tuple[str, ...] = ()


def read(text: str) -> Reading:
    """The tree of a query; raises KzError for what is refused: another query parser, too many parts."""
    if _PARSER.match(text):
        raise KzError("search.no_parser")
    text, hints = _mended(text.strip())
    if _COLON.search(text) and not _FIELD.search(text):
        text = _COLON.sub(" ", text)
    node = _fielded(text) if _is_fielded(text) else _words(text)
    _afford(node)
    return Reading(node, hints)


def _afford(node: Node) -> None:
    try:
        budget.check(node)
    except budget.TooManyParts:
        raise KzError("search.too_many_parts", limit=budget.MOST_NODES) from None
    except budget.TooManyPatterns:
        raise KzError("search.too_many_patterns", limit=budget.MOST_LEADING) from None


def _is_fielded(text: str) -> bool:
    return bool(_FIELD.search(text) or _OPERATORS.search(text) or _PATTERN.search(text))


def _mended(text: str) -> tuple[str, tuple[str, ...]]:
    """The nearest text that can be read, and what had to be mended."""
    hints: list[str] = []
    if text.count('"') % 2:
        text, hints = text.replace('"', " "), [*hints, "quotes"]
    if _unbalanced(text):
        text, hints = re.sub(r"[()\[\]{}]", " ", text), [*hints, "brackets"]
    if _DANGLING.search(text):
        text, hints = _DANGLING.sub(" ", text), [*hints, "operators"]
    unknown = [found for found in _FIELD.findall(text) if found.lower() not in FIELDS]
    if unknown:
        text, hints = _FIELD.sub(lambda m: m[0] if m[1].lower() in FIELDS else f"{m[1]} ", text), [*hints, "fields"]
    return text, tuple(hints)


def _unbalanced(text: str) -> bool:
    """Whether a bracket lacks its partner; ranges may end with another kind (`[a TO b}`)."""
    depth = {"(": 0, "[": 0}
    for letter in re.sub(r'"[^"]*"', "", text):
        if letter in "([{":
            depth["(" if letter == "(" else "["] += 1
        elif letter in ")]}":
            kind = "(" if letter == ")" else "["
            depth[kind] -= 1
            if depth[kind] < 0:
                return True
    return any(depth.values())


def _fielded(text: str) -> Node:
    return lucene.parse(_FIELD.sub(lambda m: f"{FIELDS.get(m[1].lower(), m[1])}:", text), "text", True)


@cache
def _weighted() -> tuple[tuple[str, float], ...]:
    """The fields in which words are looked for, as CKAN weighs them."""
    return tuple((name, float(weight or 1)) for name, _, weight in (part.partition("^") for part in QUERY_FIELDS.split()))


def _words(text: str) -> Node:
    return lucene.free_words(text, _weighted(), MINIMUM, TIE)


def tokens(node: Node) -> frozenset[str]:
    """The tokens that a hit may hold because of the query: what is highlighted. Nothing of what is forbidden."""
    found: set[str] = set()
    match node:
        case tree.Words():
            for word in node.words:
                if word.occur is not Occur.NOT:
                    found.update(analysis.tokens(word.text), *(also.tokens for also in word.also))
        case tree.Term(field, value) | tree.Phrase(field, value) | tree.Fuzzy(field, value, _):
            found.update(analysis.tokens(value) if fields.kind(field) is Kind.TEXT else ())
        case tree.Not():
            return frozenset()
    for child in tree.children(node):
        found |= tokens(child)
    return frozenset(found)


def prefixes(node: Node) -> tuple[str, ...]:
    """The beginnings of words that a query asks for (`бюдж*`)."""
    return tuple(
        one.value.lower() for one in tree.walk(node) if isinstance(one, tree.Prefix) and fields.kind(one.field) is Kind.TEXT
    )


def words(text: str) -> list[str]:
    """The words of a query, each as it was typed, without signs, operators and names of fields."""
    plain = _OPERATORS.sub(" ", _FIELD.sub(" ", text))
    return re.findall(r"[^\W_][\w.-]*", plain)

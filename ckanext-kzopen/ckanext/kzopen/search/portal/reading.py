"""The words that people type → a tree. Nothing of them is an error: what was not taken literally is told as a hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
_NOTHING = "\ue000"
_QUOTED = re.compile(r'"[^"]*"')
_JOINT = r"(?:AND|OR|&&|\|\|)"
_REPEATED = re.compile(rf"(?<!\S)({_JOINT}|NOT)(?:\s+{_JOINT})+(?!\S)")
_DANGLING = re.compile(rf"(?:^|\s)(?:{_JOINT}|NOT)\s*(?=$|\))|(?:^|(?<=\())\s*{_JOINT}(?=\s|$)")
_NO_VALUE = re.compile(r"(?<![\w\\\"/:])[^\W\d]\w*:(?=\s|$)")
_RANGE = re.compile(r"(?:[^\W\d]\w*:)?[\[{][^\[\]{}]*[\]}]")
_WHOLE_RANGE = re.compile(r'\w+:[\[{]\s*(?:"[^"]*"|\S+)\s+TO\s+(?:"[^"]*"|\S+)\s*[\]}]')
_NO_NUMBER = re.compile(r'(?<=[\w"])[~^](?!(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?![0-9.]))[0-9.]+|(?<=")~(?![0-9]+(?![0-9.]))[0-9.]+')
_REGULAR = re.compile(r"(?<![^\s(:+!-])/(?!\s)(?=[^/]*[*+?|^$\\()\[\]{}])(?:[^/\\]|\\.)+(?<!\s)/(?![^\s)^~])")
_LEADING = re.compile(r"(?<![\w*?\\.])[*?]+(?=\w)")


@dataclass(frozen=True)
class Reading:
    """What a query means, and what is told of how it was read: names of hints, see `hints.yaml`."""

    node: Node
    hints: tuple[str, ...] = ()


def read(text: str) -> Reading:
    """The tree of a query; raises KzError for what is refused: another query parser, regular expressions, too many parts."""
    if _PARSER.match(text):
        raise KzError("search.no_parser")
    if _REGULAR.search(_masked(text)):
        raise KzError("search.no_regex")
    text, hints = _mended(text.strip())
    if _COLON.search(text) and not _FIELD.search(text):
        text = _COLON.sub(" ", text)
    if not _is_fielded(text):
        node = _words(text)
    else:
        node = _fielded(text)
        hints = hints if hints or lucene.readable(text) else ("syntax",)
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
    unknown = [found for found in _FIELD.findall(text) if found.lower() not in FIELDS]
    if unknown:
        text, hints = _FIELD.sub(lambda m: m[0] if m[1].lower() in FIELDS else f"{m[1]} ", text), [*hints, "fields"]
    for pattern, put, hint in _MENDS:
        mended = _outside_quotes(pattern, put, text)
        if mended != text:
            text, hints = mended, [*hints, hint]
    return text, tuple(dict.fromkeys(hints))


def _masked(text: str) -> str:
    """The text with something without a meaning in place of what stands in quotes; all else is where it was."""
    return _QUOTED.sub(lambda quoted: f'"{_NOTHING * (len(quoted[0]) - 2)}"', text)


def _outside_quotes(pattern: re.Pattern[str], put: Callable[[str], str], text: str) -> str:
    """The text with `put` in place of each match that does not begin in quotes."""
    parts, end = [], 0
    for found in pattern.finditer(_masked(text)):
        parts += [text[end : found.start()], put(text[found.start() : found.end()])]
        end = found.end()
    return "".join([*parts, text[end:]])


def _without_value(found: str) -> str:
    return f"{found[:-1]} " if found[:-1].lower() in FIELDS else found


def _whole_range(found: str) -> str:
    """A range as it is; the words of one that lacks its field or an end; brackets of a sentence as they are."""
    if _WHOLE_RANGE.fullmatch(found) or not (":" in found.partition("[")[0].partition("{")[0] or re.search(r"\bTO\b", found)):
        return found
    return re.sub(r"[\[\]{}:]|\bTO\b", " ", found)


_MENDS: tuple[tuple[re.Pattern[str], Callable[[str], str], str], ...] = (
    (_REPEATED, lambda found: found.split()[0], "operators"),
    (_DANGLING, lambda _found: " ", "operators"),
    (_NO_VALUE, _without_value, "values"),
    (_RANGE, _whole_range, "ranges"),
    (_NO_NUMBER, lambda _found: "", "numbers"),
)
"""What is broken, what is read in its place, and the hint that tells of it."""


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
    try:
        return lucene.parse(_FIELD.sub(lambda m: f"{FIELDS.get(m[1].lower(), m[1])}:", text), "text", True)
    except budget.RegularExpression:
        raise KzError("search.no_regex") from None


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

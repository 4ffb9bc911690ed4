"""Lucene's query text, as CKAN, its extensions and people write it → the query tree.

Nothing that people type is an error but a regular expression: what does not parse is repaired (quotes and brackets closed,
operators without a partner dropped), and what cannot be repaired is read as plain words.
"""

from __future__ import annotations

import re
from decimal import InvalidOperation
from functools import lru_cache

from ckanext.kzopen.search import budget, fields, minimum_match, tree, wording
from ckanext.kzopen.search.fields import Kind
from ckanext.kzopen.search.tree import Node, Occur, Word, Words
from luqum import tree as lucene
from luqum.thread import parse as luqum_parse

_ADDRESS = re.compile(r"(?<![\w\"])((?:[\w.-]{1,80}:)?)(https?://[^\s\"()]+)")
_LONE_SLASH = re.compile(r'"[^"]*"|(?<!\S)/(?!\S)')
"""Or what stands in quotes, where it means itself."""
_C_OPERATORS = re.compile(r"(?<=\s)(&&|\|\|)(?=\s)")
_QUOTED_OR_BARE = re.compile(r'([+-]?)(?:"([^"]*)"|(\S+))')
_ESCAPE = re.compile(r"\\(.)")
_PATTERN = re.compile(r"(?<!\\)[*?]")
_REGULAR = re.compile(r"[*+?|^$\\()\[\]{}]")
"""Signs of a regular expression; between slashes without one of them stands a part of a path."""
_OPERATORS = frozenset({"AND", "OR", "NOT", "&&", "||", "+", "-", "!"})
_DEEPEST = 200
_MOST_SIGNS = 10
_NO_NUMBER = re.compile(r'([~^])(?!(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?![0-9.]))[0-9.]+|(?<=")(~)(?![0-9]+(?![0-9.]))[0-9.]+')
"""A force or a degree that is not one number; the degree of a phrase is a whole one."""
_REPEATED = re.compile(r"\b(AND|OR)(?:\s+(?:AND|OR)\b)+")


@lru_cache(maxsize=2_000)
def parse(text: str, field: str = "text", all_words: bool = True) -> Node:
    """The tree of a fielded query; `field` is for words that name none, `all_words` joins what no operator joins by AND.

    Raises budget.RegularExpression.
    """
    if not re.search(r"[\w?]", text):
        return tree.All()
    if _depth(text) > _DEEPEST:
        return _plain_words(text, field)
    for attempt in (_normal(text), _repaired(text)):
        try:
            parsed = luqum_parse(attempt)
        except (ValueError, InvalidOperation):  # its ParseError is a ValueError; `^1.2.3` and `"a b"~.` hold no number
            continue
        return _Reading(all_words).node(parsed, field)
    return _plain_words(text, field)


@lru_cache(maxsize=2_000)
def readable(text: str) -> bool:
    """Whether a fielded query parses as it is written, with nothing repaired."""
    if _depth(text) > _DEEPEST:
        return False
    try:
        luqum_parse(_normal(text))
    except (ValueError, InvalidOperation):
        return False
    return True


def _plain_words(text: str, field: str) -> Node:
    return tree.both(*(tree.Term(field, word) for word in re.findall(r"\w+", text)))


def _depth(text: str) -> int:
    """How deep brackets nest, or signs or fields (`a:b:c`) stand one before the other."""
    deepest = max((len(signs) for signs in re.findall(r"[-+!]+", text)), default=0)
    deepest = max(deepest, *(word.count(":") for word in text.split()))
    depth = 0
    for bracket in re.findall(r"[()]", text):
        depth = max(0, depth + (1 if bracket == "(" else -1))
        deepest = max(deepest, depth)
    return deepest


def free_words(text: str, weighted: tuple[tuple[str, float], ...], minimum: str, tie: float = 0.0) -> Node:
    """Words as people type them into one box: `+` demands, `-` forbids, quotes hold together; nothing else is special."""
    words = typed(text)
    if not words:
        return tree.All() if not text.strip(' "') else tree.Nothing()
    understood = wording.understood(words)
    wished = sum(word.occur is Occur.MAY for word in understood)
    # Whatever `mm` says, something must be found by: with no word demanded, one of the others is, as in Solr.
    least = 1 if wished and all(word.occur is not Occur.MUST for word in understood) else 0
    return Words(understood, weighted, max(least, minimum_match.count(minimum, wished)), tie)


def typed(text: str) -> list[Word]:
    """The words as they were typed, without what they may mean besides."""
    words = [_word(*match.groups()) for match in _QUOTED_OR_BARE.finditer(_even_quotes(text))]
    return [word for word in words if re.search(r"\w", word.text)]


def _word(sign: str, quoted: str | None, bare: str | None) -> Word:
    occur = {"+": Occur.MUST, "-": Occur.NOT}.get(sign, Occur.MAY)
    return Word(_unescape(bare if bare is not None else quoted or ""), occur, quoted is not None)


def _even_quotes(text: str) -> str:
    return text if text.count('"') % 2 == 0 else text.replace('"', " ")


def _unescape(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _normal(text: str) -> str:
    """Addresses quoted, since their colons and slashes are no syntax, lone slashes dropped; C's operators as words."""
    quoted = _LONE_SLASH.sub(lambda found: found[0] if found[0] != "/" else " ", _ADDRESS.sub(r'\1"\2"', text))
    return _C_OPERATORS.sub(lambda match: "AND" if match[0] == "&&" else "OR", quoted)


def _repaired(text: str) -> str:
    """The nearest text that parses: quotes and brackets in pairs, no operator without a partner."""
    text = _even_quotes(_normal(text))
    text = re.sub(r"[{}\[\]]", " ", text)
    text = _balanced(text)
    text = _REPEATED.sub(r"\1", text)
    text = _without_dangling(text)
    text = _NO_NUMBER.sub(lambda match: match[1] or match[2], text)
    return re.sub(r"(?<![\\\w])/", r"\\/", text)


def _without_dangling(text: str) -> str:
    """Operators that lack a side, and a field at the end that lacks its value, are dropped."""
    words = text.split()
    while words and (words[-1] in _OPERATORS or words[-1].endswith(":")):
        words.pop()
    while words and words[0] in ("AND", "OR", "&&", "||"):
        words.pop(0)
    return " ".join(words)


def _balanced(text: str) -> str:
    """Closing brackets without an opening one are dropped, missing ones added at the end."""
    kept, depth = [], 0
    for letter in text:
        if letter == ")" and depth == 0:
            continue
        depth += (letter == "(") - (letter == ")")
        kept.append(letter)
    return "".join(kept) + ")" * depth


class _Reading:
    """Turns luqum's nodes into ours."""

    def __init__(self, all_words: bool) -> None:
        self._all_words = all_words

    def node(self, item: lucene.Item, field: str) -> Node:
        """The tree of one of luqum's nodes; `field` is the one that surrounds it."""
        match item:
            case lucene.SearchField():
                return self._field(item, field)
            case lucene.Group() | lucene.FieldGroup() | lucene.Plus():
                return self.node(item.children[0], field)
            case lucene.Not() | lucene.Prohibit():
                return tree.Not(self.node(item.children[0], field))
            case lucene.Boost():
                return tree.Boost(self.node(item.expr, field), float(item.force))
            case lucene.OrOperation():
                return _any_of([self.node(child, field) for child in item.children])
            case lucene.BaseOperation():
                return self._clauses(item, field)
            case _:
                return _leaf(item, field)

    def _field(self, item: lucene.SearchField, outer: str) -> Node:
        name = _unescape(item.name)
        if name == "*" and str(item.expr) == "*":
            return tree.All()
        if not re.fullmatch(r"[\w.\-]+", name):
            return tree.both(tree.Term(outer, name), self.node(item.expr, outer))
        return self.node(item.expr, name)

    def _clauses(self, item: lucene.BaseOperation, field: str) -> Node:
        """`+` and `-` decide; what has neither must hold too, unless words are joined by OR and something else must hold."""
        must, may, forbidden = [], [], []
        joined_by_and = self._all_words or isinstance(item, lucene.AndOperation)
        for child in item.children:
            node = self.node(child, field)
            if isinstance(node, tree.Not):
                forbidden.append(node)
            elif joined_by_and or isinstance(child, lucene.Plus):
                must.append(node)
            else:
                may.append(node)
        if not must:
            return tree.both(*([tree.either(*may)] if may else []), *forbidden)
        required = tree.both(*must, *forbidden)
        return tree.Better(required, tuple(may)) if may else required


def _any_of(nodes: list[Node]) -> Node:
    """Alternatives; many values of one keyword field become one node, which stays quick with thousands of them."""
    terms = [node for node in nodes if isinstance(node, tree.Term)]
    named = {term.field for term in terms}
    if len(terms) == len(nodes) and len(named) == 1 and fields.kind(terms[0].field) is Kind.KEYWORD:
        return tree.OneOf(terms[0].field, frozenset(term.value for term in terms))
    return tree.either(*nodes)


def _leaf(item: lucene.Item, field: str) -> Node:
    match item:
        case lucene.Phrase():
            value = _unescape(item.value[1:-1])
            return tree.Phrase(field, value) if fields.kind(field) is Kind.TEXT else tree.Term(field, value)
        case lucene.Proximity():
            inner = _unescape(str(item.term).strip()[1:-1])
            return tree.Phrase(field, inner, int(item.degree))
        case lucene.Fuzzy():
            return tree.Fuzzy(field, _unescape(str(item.term).strip()), round(min(2, item.degree)))
        case lucene.Range():
            return tree.Range(field, _bound(item.low), _bound(item.high), item.include_low, item.include_high)
        case lucene.From():
            return tree.Range(field, _bound(item.a), None, item.include)
        case lucene.To():
            return tree.Range(field, None, _bound(item.a), True, item.include)
        case lucene.Regex():
            return _between_slashes(str(item.value).strip("/"), field)
        case _:
            return _plain(str(getattr(item, "value", item)), field)


def _between_slashes(text: str, field: str) -> Node:
    if _REGULAR.search(text):
        raise budget.RegularExpression("Regular expressions (/…/) are not supported; put * or ? in place of letters.")
    return tree.Term(field, text)


def _plain(written: str, field: str) -> Node:
    """A bare word: a pattern, a negation written with `!`, or itself."""
    if written.startswith("!") and len(written) > 1:
        return tree.Not(_plain(written[1:], field))
    if written == "*":
        return tree.Exists(field)
    if 0 < len(_PATTERN.findall(written)) <= _MOST_SIGNS:
        if _PATTERN.search(written[:-1]) is None and written.endswith("*"):
            return tree.Prefix(field, _unescape(written[:-1]))
        return tree.Wildcard(field, _unescape(written))
    value = _unescape(written)
    if fields.kind(field) is Kind.TEXT and not re.search(r"\w", value):
        return tree.All()
    return tree.Term(field, value)


def _bound(item: lucene.Item) -> str | None:
    written = str(item).strip()
    if written == "*":
        return None
    return _unescape(written[1:-1] if written.startswith('"') else written)

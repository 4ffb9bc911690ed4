"""The query tree: what a search asks, in no engine's language.

Leaves hold the words as people wrote them; how they are analysed follows from the kind of their field (`fields.py`) and is
the same for every engine. All nodes are frozen and hashable, so that parsed filters can be cached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


@dataclass(frozen=True)
class All:
    """Every document."""


@dataclass(frozen=True)
class Nothing:
    """No document."""


@dataclass(frozen=True)
class Term:
    """The field holds the value (keyword), or all words of the value (text)."""

    field: str
    value: str


@dataclass(frozen=True)
class OneOf:
    """The keyword field holds at least one of the values; thousands of them are cheap."""

    field: str
    values: frozenset[str]


@dataclass(frozen=True)
class Phrase:
    """The words of `value` follow each other in the text field, with at most `slop` moves between them."""

    field: str
    value: str
    slop: int = 0


@dataclass(frozen=True)
class Prefix:
    """A value or a word of the field begins with `value`."""

    field: str
    value: str


@dataclass(frozen=True)
class Wildcard:
    """A value or a word of the field has the shape of `pattern`: `*` any letters, `?` one letter."""

    field: str
    pattern: str


@dataclass(frozen=True)
class Fuzzy:
    """A word of the field differs from `value` in at most `distance` letters (0 to 2)."""

    field: str
    value: str
    distance: int


@dataclass(frozen=True)
class Range:
    """The field lies between two bounds as people wrote them (dates may be `NOW-7DAYS/DAY`); None is open."""

    field: str
    low: str | None
    high: str | None
    include_low: bool = True
    include_high: bool = True


@dataclass(frozen=True)
class Exists:
    """The field has a value."""

    field: str


class Occur(Enum):
    """What a word of free text is to a hit: wished for, demanded, or forbidden."""

    MAY = "may"
    MUST = "must"
    NOT = "not"


@dataclass(frozen=True)
class Also:
    """Tokens, one after the other, that a text may hold instead of a word; a hit by them counts `weight` times as much."""

    tokens: tuple[str, ...]
    weight: float


@dataclass(frozen=True)
class Word:
    """One word, or one quoted phrase, of free text; in text fields, what stands in `also` will do too."""

    text: str
    occur: Occur = Occur.MAY
    phrase: bool = False
    also: tuple[Also, ...] = ()


@dataclass(frozen=True)
class Words:
    """Free text over weighted fields.

    A word counts in its best field, the others add `tie` of their score; at least `minimum` of the words that MAY occur must.
    """

    words: tuple[Word, ...]
    fields: tuple[tuple[str, float], ...]
    minimum: int
    tie: float = 0.0


@dataclass(frozen=True)
class And:
    """All children hold."""

    children: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """At least `minimum` children hold."""

    children: tuple[Node, ...]
    minimum: int = 1


@dataclass(frozen=True)
class Better:
    """`required` holds; a document for which `wished` holds too comes earlier (Lucene's optional clauses)."""

    required: Node
    wished: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """The child does not hold."""

    child: Node


@dataclass(frozen=True)
class Boost:
    """The child's score times `factor`."""

    child: Node
    factor: float


Node: TypeAlias = (
    All
    | Nothing
    | Term
    | OneOf
    | Phrase
    | Prefix
    | Wildcard
    | Fuzzy
    | Range
    | Exists
    | Words
    | And
    | Or
    | Better
    | Not
    | Boost
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case And(nodes) | Or(nodes):
            return nodes
        case Better(required, wished):
            return (required, *wished)
        case Not(child) | Boost(child):
            return (child,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def size(node: Node) -> int:
    """Number of nodes; a word of free text counts as one."""
    return sum(len(n.words) if isinstance(n, Words) else 1 for n in walk(node))


def both(*nodes: Node) -> Node:
    """All of the nodes, without useless layers."""
    wanted = tuple(n for n in nodes if not isinstance(n, All))
    if not wanted:
        return All()
    return wanted[0] if len(wanted) == 1 else And(wanted)


def either(*nodes: Node) -> Node:
    """At least one of the nodes; equal keyword fields are joined, so that a list of thousands stays cheap."""
    if not nodes:
        return Nothing()
    if len(nodes) == 1:
        return nodes[0]
    return Or(tuple(nodes))

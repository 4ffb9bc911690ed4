"""What a search engine is to the rest of the portal: one that reads, and one that writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ckanext.kzopen.search.tree import Node


class EngineError(Exception):
    """The search engine is away or cannot answer; searches fail, nothing else does."""


class EngineAway(EngineError):
    """The engine does not answer for now; its index is as it was and nothing has to be built anew."""


@dataclass(frozen=True)
class Sort:
    """Order by a field, or by `score`."""

    field: str
    descending: bool


@dataclass(frozen=True)
class Facet:
    """Count the values of a field: at most `limit` of them (None: all), those with at least `minimum` hits."""

    field: str
    limit: int | None
    minimum: int


@dataclass(frozen=True)
class Search:
    """A question to an engine.

    `labels` are the permission labels of the reader: a hit holds at least one of them. None is for the system itself and has
    to be written; there is no default, so nobody forgets it.
    """

    query: Node
    labels: frozenset[str] | None
    filters: tuple[Node, ...] = ()
    sort: tuple[Sort, ...] = ()
    start: int = 0
    rows: int = 10
    facets: tuple[Facet, ...] = ()
    wanted: frozenset[str] | None = None  # fields of a hit; None is all


@dataclass(frozen=True)
class Answer:
    """`hits` in all, the page of `documents` in order, and for each facet its values with counts, most frequent first.

    A document's `validated_data_dict` is JSON in UTF-8, as it was given to the engine; nearly all who ask for it parse it.
    """

    hits: int
    documents: list[dict[str, Any]]
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A document as an engine takes it: its key, the hash of its content, what is indexed, what is given back.

    `data_dict` is not among it: few ask for it, and PostgreSQL has it.
    """

    key: str
    hash: int
    fields: dict[str, Any]  # IndexDocument as a dict
    stored: bytes  # JSON
    validated_data_dict: bytes | None  # JSON


class Reader(Protocol):
    """Answers questions; may be used by many threads."""

    def search(self, search: Search) -> Answer:
        """Raises EngineError when there is no answer."""

    def hashes(self) -> dict[str, int]:
        """The content hash of every document by key."""


class Writer(Protocol):
    """Changes the index; there is one in the whole portal."""

    def companions(self, keys: Sequence[str]) -> list[str]:
        """Other documents to be put again in the commit that changes these, so that the index stays in few pieces."""

    def put(self, entries: Iterable[Entry]) -> None:
        """Add documents, replacing those with the same keys."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove documents; unknown keys are ignored."""

    def commit(self) -> None:
        """Make what was put and removed durable and visible."""

    def close(self) -> None:
        """Give the index free."""


class Engine(Protocol):
    """One index: how it is opened, whether it is there, how it is built anew."""

    def reader(self) -> Reader:
        """For questions; opens the index with the first one."""

    def writer(self) -> Writer:
        """For changes; raises EngineError when the index is missing or damaged."""

    def present(self) -> bool:
        """Whether all of the index is there; a quick look, not a check of its content."""

    def built(self, entries: Iterator[Entry]) -> tuple[Writer, int]:
        """A writer on a new index of just these entries, and their number; the old index answers until it is complete."""

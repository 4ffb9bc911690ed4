"""The search of the workstation: each section says where its things are found, for those who may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.core.desk.visitor import Visitor

MOST = 10
"""Things of one kind that are shown."""


@dataclass(frozen=True)
class Hit:
    """A thing that was found: `link` is a path of the portal, `about` a few words beside the title."""

    title: Mapping[str, str] | str
    link: str
    about: Mapping[str, str] | str = ""


Find = Callable[[Any, Visitor, str], Iterable[Hit]]
"""`find(session, visitor, text)`: at most MOST things that the visitor may see; the text has at least two characters."""


@dataclass(frozen=True)
class Findable:
    """A kind of things that the search knows, in the order in which they are shown."""

    name: str
    title: Mapping[str, str]
    find: Find
    order: int = 50


_known: dict[str, Findable] = {}


def register_findable(findable: Findable) -> None:
    """Make a kind of things known to the search; the same name again replaces it."""
    _known[findable.name] = findable


def found(session: Any, visitor: Visitor, text: str) -> list[tuple[Findable, list[Hit]]]:
    """What the visitor may see of what holds the text, by kind; kinds without a hit are left out."""
    kinds = sorted(_known.values(), key=lambda kind: (kind.order, kind.name))
    hits = [(kind, list(kind.find(session, visitor, text))) for kind in kinds]
    return [(kind, rows) for kind, rows in hits if rows]

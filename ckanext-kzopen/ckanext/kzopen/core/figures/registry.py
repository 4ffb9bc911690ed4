"""The figures that sections bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from ckanext.kzopen.core.figures.periods import Period, Span
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy.orm import Session

Values = Mapping[str, int | float | Decimal]
"""The value by agency's id; "" is what belongs to no agency."""
Query = Callable[[Session, Span], Values]
Rows = Callable[[Session, Span, frozenset[str] | None], list[dict[str, Any]]]
"""The rows behind a value: of a span, of these agencies (None = of all). What it gives is shown to everyone."""


@dataclass(frozen=True)
class Figure:
    """A number that is kept: its name in addresses, title and unit for people, its period, and how it is computed.

    Values add up: an agency's value counts also what its predecessors have, and the whole is the sum of all. `late` is how
    many finished periods are computed again because rows may still come for them. `rows` tells what is behind a value.
    """

    name: str
    title: Words
    unit: Words
    period: Period
    query: Query
    rows: Rows | None = None
    late: int = 2


_figures: dict[str, Figure] = {}


def register(figure: Figure) -> None:
    """Make a figure known; a section does it when its plugin is loaded."""
    _figures[figure.name] = figure


def figures() -> list[Figure]:
    """The registered figures in the order of their registration."""
    return list(_figures.values())


def known(name: str) -> Figure:
    """The figure of that name; KzError figures.unknown."""
    if name not in _figures:
        raise KzError("figures.unknown", name=name)
    return _figures[name]


def is_finished(span: Span, today: date) -> bool:
    """Whether the span lies in the past; before that its value grows, and that is no revision."""
    return span.end <= today

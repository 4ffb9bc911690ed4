"""Whose eyes a search has: the one place through which permission labels reach the engine.

CKAN asks `IPermissionLabels` for the labels of a user and hands them to the query class; from there to the engine they travel
here, as data and not as query text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_labels: ContextVar[frozenset[str] | None] = ContextVar("kzopen_search_labels", default=None)


@contextmanager
def seen_by(labels: Iterable[str] | None) -> Iterator[None]:
    """Searches inside see only what holds one of the labels; None is for the system, which sees all."""
    token = _labels.set(None if labels is None else frozenset(labels))
    try:
        yield
    finally:
        _labels.reset(token)


def current() -> frozenset[str] | None:
    """The labels of the reader of now."""
    return _labels.get()

"""Who sees what: the one place that says it, for results, counts, facets, suggestions and whatever else a search answers.

CKAN asks `IPermissionLabels` for the labels of a user and hands them to the query class; from there to the engine they travel
here, as data and not as query text. An engine asks `condition` for every search.

A document that is `visible_from` a moment to come is found by those only who hold a label of it other than `public`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

from ckanext.kzopen.search import dates
from ckanext.kzopen.search.tree import All, Node, Not, OneOf, Range, both, either

LABELS = "permission_labels"
FROM = "visible_from"
PUBLIC = "public"

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


@lru_cache(maxsize=500)
def hidden(labels: frozenset[str]) -> tuple[Range, OneOf]:
    """The same the other way round, for a reader whose labels include `public`, as nearly all documents' do.

    Hidden is what is closed or opens later, but for what the second node, the reader's own, holds for. An index that marks
    what `is_closed` need not unite the long list of public documents with the reader's others at every question.
    """
    return Range(FROM, "NOW", None, include_low=False), OneOf(LABELS, labels - {PUBLIC})


def is_closed(keywords: Mapping[str, list[str]]) -> bool:
    """Whether a document, by its exact values, is one that not everybody may find."""
    return PUBLIC not in keywords.get(LABELS, ())


def condition(labels: frozenset[str] | None) -> Node:
    """What holds for exactly the documents that a reader with these labels may find; None is for the system."""
    if labels is None:
        return All()
    own = OneOf(LABELS, labels - {PUBLIC})
    if PUBLIC not in labels:
        return own
    opened = both(OneOf(LABELS, frozenset({PUBLIC})), Not(Range(FROM, "NOW", None, include_low=False)))
    return either(own, opened) if own.values else opened


def sees(fields: Mapping[str, Any], labels: frozenset[str] | None, moment: datetime, opens: int | None = None) -> bool:
    """What `condition` says, of one document (an IndexDocument as a dict) at a moment.

    `opens`, in microseconds since 1970, stands in for the document's own opening.
    """
    if labels is None:
        return True
    shared = labels.intersection(fields["keywords"].get(LABELS, ()))
    opens = opens or fields["moments"].get(FROM)
    return bool(shared - {PUBLIC}) or (bool(shared) and (opens is None or opens <= dates.micros(moment)))


def labels_of(source: Mapping[str, Any]) -> list[str]:
    """The labels of a document; what opens later is found before by the agency that it belongs to."""
    labels = [str(label) for label in source.get(LABELS) or ()]
    owner = source.get("owner_org")
    early = source.get(FROM) and owner and PUBLIC in labels
    return list(dict.fromkeys([*labels, f"member-{owner}"])) if early else labels

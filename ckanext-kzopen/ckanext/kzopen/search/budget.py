"""How much one query may ask: an engine walks all its words for a pattern that begins with a sign."""

from __future__ import annotations

from ckanext.kzopen.search import tree
from ckanext.kzopen.search.tree import Node

MOST_NODES = 2_000
MOST_LEADING = 5
"""Patterns of one query that begin with `*` or `?`."""


class RequestError(Exception):
    """The request cannot be served as it stands; the text says why."""


class RegularExpression(RequestError):
    """Part of the query is a regular expression (`/…/`)."""


class TooManyParts(RequestError):
    """The query has too many nodes."""


class TooManyPatterns(RequestError):
    """Too many of its words begin with a sign."""


def check(*nodes: Node) -> None:
    """Raises RequestError for a query with its filters that asks too much."""
    parts, leading = map(sum, zip(*map(_asked, nodes), strict=True))
    if parts > MOST_NODES:
        raise TooManyParts(f"The query has more than {MOST_NODES} parts.")
    if leading > MOST_LEADING:
        raise TooManyPatterns(f"More than {MOST_LEADING} words of the query begin with * or ?.")


def _asked(node: Node) -> tuple[int, int]:
    """Parts, and patterns that begin with a sign."""
    if isinstance(node, tree.Term):  # as nearly all filters are
        return 1, 0
    patterns = [one.pattern for one in tree.walk(node) if isinstance(one, tree.Wildcard)]
    return tree.size(node), sum(pattern.startswith(("*", "?")) for pattern in patterns)

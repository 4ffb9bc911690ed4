"""Roots and proofs of the log, read from its perfect nodes: some forty rows at a million leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.hashing import Node, Span, consistency_spans, inclusion_spans, perfect_nodes, span_hash
from sqlalchemy import text

_SIZE = text("SELECT coalesce(max(index) + 1, 0) FROM kzopen.node WHERE level = 0")
_NODES = text(
    """
    SELECT n.level, n.index, n.hash
    FROM unnest(CAST(:levels AS smallint[]), CAST(:indexes AS bigint[])) AS wanted (level, index)
    JOIN kzopen.node n ON n.level = wanted.level AND n.index = wanted.index
    """
)


class LogBroken(Exception):
    """The log was changed from outside: a node is missing, or a signed head does not agree with it. ./kzopen record verify."""


def log_size(session: AnySession) -> int:
    """How many leaves the log has."""
    return int(session.execute(_SIZE).scalar_one())


def root(session: AnySession, size: int) -> bytes:
    """The root hash of the first `size` leaves; `size` is at least 1."""
    return hashes(session, [(0, size)])[0]


def inclusion(session: AnySession, index: int, size: int) -> list[bytes]:
    """The proof that leaf `index` is among the first `size`; ValueError when it is not."""
    return hashes(session, inclusion_spans(index, size))


def inclusions(session: AnySession, indexes: Sequence[int], size: int) -> list[list[bytes]]:
    """The proofs of many leaves, with one query."""
    spans = [inclusion_spans(index, size) for index in indexes]
    found = dict(zip(all_spans := sorted({s for path in spans for s in path}), hashes(session, all_spans), strict=True))
    return [[found[span] for span in path] for path in spans]


def consistency(session: AnySession, first: int, second: int) -> list[bytes]:
    """The proof that the log of `second` leaves begins with that of `first`; ValueError for sizes that cannot be so."""
    return hashes(session, consistency_spans(first, second))


def hashes(session: AnySession, spans: Iterable[Span]) -> list[bytes]:
    """The hash of each span; raises LogBroken when a node is missing."""
    spans = list(spans)
    wanted = {node for span in spans for node in perfect_nodes(span)}
    found = _nodes(session, sorted(wanted))
    if missing := wanted - found.keys():
        raise LogBroken(f"nodes of the log are missing: {sorted(missing)[:5]}")
    return [span_hash(span, found) for span in spans]


def _nodes(session: AnySession, wanted: Sequence[Node]) -> dict[Node, bytes]:
    parameters = {"levels": [level for level, _index in wanted], "indexes": [index for _level, index in wanted]}
    return {(level, index): bytes(digest) for level, index, digest in session.execute(_NODES, parameters)}

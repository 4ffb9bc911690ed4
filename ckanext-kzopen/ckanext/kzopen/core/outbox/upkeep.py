"""How far behind a consumer is, and which rows may go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from ckanext.kzopen.core.outbox.values import Executor
from sqlalchemy import text

KEPT = timedelta(hours=1)
"""Rows that all have read stay so long, for a consumer that registers late and for people who look for a cause."""

_PENDING = text(
    """
    SELECT count(*) AS rows, coalesce(extract(epoch FROM now() - min(o.created)), 0) AS oldest
    FROM kzopen.outbox_delivery d JOIN kzopen.outbox o ON o.id = d.outbox_id WHERE d.consumer = :name
    """
)
_WAITING = text(
    """
    SELECT count(*) FROM kzopen.outbox_delivery WHERE consumer = :name AND outbox_id = ANY (CAST(:ids AS bigint[]))
    """
)
_PRUNE = text(
    """
    DELETE FROM kzopen.outbox WHERE id IN (
        SELECT o.id FROM kzopen.outbox o
        WHERE o.created < now() - make_interval(secs => :kept)
          AND NOT EXISTS (SELECT FROM kzopen.outbox_delivery d WHERE d.outbox_id = o.id)
        ORDER BY o.id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    """
)


@dataclass(frozen=True)
class Pending:
    """What a consumer has still to read: `rows`, and the age of the oldest in seconds."""

    rows: int
    oldest: float


def pending(session: Executor, name: str) -> Pending:
    """How far behind `name` is; nothing pending for a name that is not registered."""
    row = session.execute(_PENDING, {"name": name}).one()
    return Pending(int(row.rows), float(row.oldest))


def waiting(session: Executor, name: str, ids: Iterable[int]) -> int:
    """How many of these rows `name` has not acknowledged."""
    return int(session.execute(_WAITING, {"name": name, "ids": list(ids)}).scalar_one())


def prune(session: Executor, kept: timedelta = KEPT, limit: int = 10_000) -> int:
    """Delete at most `limit` rows that all their consumers have read and that are older than `kept`; returns how many."""
    result = session.execute(_PRUNE, {"kept": kept.total_seconds(), "limit": limit})
    return int(result.rowcount)

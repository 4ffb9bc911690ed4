"""Write rows of the outbox in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.kzopen.core.outbox.values import Executor
from sqlalchemy import text

NEWS_CHANNEL = "kzopen_outbox"
"""PostgreSQL tells listeners of this channel about committed rows; the message is the topic."""

_EMIT = text(
    """
    WITH written AS (
        INSERT INTO kzopen.outbox (topic, key, payload)
        SELECT topic, key, payload FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (topic text, key text, payload jsonb)
        RETURNING id, topic
    ), addressed AS (
        INSERT INTO kzopen.outbox_delivery (consumer, outbox_id)
        SELECT consumer.name, written.id
        FROM written JOIN kzopen.outbox_consumer consumer ON written.topic = ANY (consumer.topics)
    )
    SELECT id, CASE WHEN :wakes THEN pg_notify(:channel, topic) END FROM written ORDER BY id
    """
)
_WAKE = text("SELECT pg_notify(:channel, :topic)")
News = tuple[str, str, Mapping[str, Any]]
"""What happened (the topic), to which key, and what is told of it."""


def emit(session: Executor, topic: str, key: str, payload: Mapping[str, Any] | None = None, quietly: bool = False) -> int:
    """Tell all consumers of `topic` that something happened to `key`; returns the row's number.

    Nothing is told before the caller's commit, nothing at all if it rolls back. Consumers are woken, unless `quietly`: then
    they find the row when they look next, together with others.
    """
    return emit_many(session, topic, [key], payload, quietly)[0]


def emit_many(
    session: Executor, topic: str, keys: Iterable[str], payload: Mapping[str, Any] | None = None, quietly: bool = False
) -> list[int]:
    """One row for each key, in one statement; returns their numbers."""
    return emit_all(session, [(topic, key, payload or {}) for key in keys], quietly)


def emit_all(session: Executor, news: Iterable[News], quietly: bool = False) -> list[int]:
    """One row for each piece of news, in its order, in one statement; returns their numbers."""
    rows = json.dumps([{"topic": topic, "key": key, "payload": dict(payload)} for topic, key, payload in news])
    found = session.execute(_EMIT, {"rows": rows, "channel": NEWS_CHANNEL, "wakes": not quietly})
    return [row.id for row in found]


def wake(session: Executor, topic: str) -> None:
    """Have the consumers of the topic look for rows that were emitted quietly."""
    session.execute(_WAKE, {"channel": NEWS_CHANNEL, "topic": topic})

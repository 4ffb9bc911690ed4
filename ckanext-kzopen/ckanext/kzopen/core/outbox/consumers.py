"""Read the outbox under a name: register, take, acknowledge."""

from __future__ import annotations

from collections.abc import Iterable

from ckanext.kzopen.core.outbox.values import Consumer, Executor, Message
from sqlalchemy import text

_KNOWN = text("SELECT topics FROM kzopen.outbox_consumer WHERE name = :name")
_REGISTER = text(
    """
    INSERT INTO kzopen.outbox_consumer (name, topics) VALUES (:name, CAST(:topics AS text[]))
    ON CONFLICT (name) DO UPDATE SET topics = excluded.topics
    """
)
_CATCH_UP = text(
    """
    INSERT INTO kzopen.outbox_delivery (consumer, outbox_id)
    SELECT :name, id FROM kzopen.outbox WHERE topic = ANY (CAST(:topics AS text[]))
    ON CONFLICT DO NOTHING
    """
)
_TAKE = text(
    """
    SELECT o.id, o.topic, o.key, o.payload, o.created
    FROM kzopen.outbox_delivery d JOIN kzopen.outbox o ON o.id = d.outbox_id
    WHERE d.consumer = :name AND d.outbox_id > :after
    ORDER BY d.outbox_id LIMIT :limit
    FOR UPDATE OF d SKIP LOCKED
    """
)
_ACKNOWLEDGE = text(
    "DELETE FROM kzopen.outbox_delivery WHERE consumer = :name AND outbox_id = ANY (CAST(:ids AS bigint[]))",
)
_FORGET = text("DELETE FROM kzopen.outbox_consumer WHERE name = :name")


def register(session: Executor, consumer: Consumer) -> None:
    """Make the name known; a topic that is new to it starts with the rows that are still kept."""
    topics = sorted(consumer.topics)
    known = session.execute(_KNOWN, {"name": consumer.name}).scalar()
    if known is not None and set(known) == consumer.topics:
        return
    session.execute(_REGISTER, {"name": consumer.name, "topics": topics})
    fresh = sorted(consumer.topics - set(known or ()))
    session.execute(_CATCH_UP, {"name": consumer.name, "topics": fresh})


def take(session: Executor, name: str, limit: int = 100, after: int = 0) -> list[Message]:
    """The oldest rows that `name` has not acknowledged, at most `limit`, with numbers above `after`.

    They are locked until the caller's transaction ends, so that two processes of one name share the work.
    """
    rows = session.execute(_TAKE, {"name": name, "limit": limit, "after": after})
    return [Message(row.id, row.topic, row.key, row.payload, row.created) for row in rows]


def acknowledge(session: Executor, name: str, ids: Iterable[int]) -> None:
    """`name` has done what these rows ask; unknown numbers are ignored."""
    session.execute(_ACKNOWLEDGE, {"name": name, "ids": list(ids)})


def forget(session: Executor, name: str) -> None:
    """Remove a consumer that no longer exists, with everything that it has not read."""
    session.execute(_FORGET, {"name": name})

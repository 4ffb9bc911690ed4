"""Does the event log agree with its seals, deletions and leaves? The part of `verification` that reads events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import psycopg
from ckanext.kzopen.core.record.events import NAMES, line_of
from ckanext.kzopen.core.record.keeping import KEPT
from ckanext.kzopen.core.record.log import moment
from ckanext.kzopen.core.record.model import Event
from ckanext.kzopen.core.record.sealing import SEAL, joined, numbers_of
from ckanext.kzopen.core.record.statements import Finding

Connection = psycopg.Connection[Any]
SEALS = "SELECT record->>'ids', record->>'sha256', at FROM kzopen.leaf WHERE kind = %s AND record IS NOT NULL ORDER BY index"


def event_findings(connection: Connection) -> Iterator[Finding]:
    """Each sealed event must be there as it was sealed, and each event that is there must be sealed or wait for it."""
    for ids, sha256, at in connection.execute(SEALS, [SEAL]).fetchall():
        yield from _seal(connection, numbers_of(ids), sha256, moment(at))
    for sentence, query, kinds in ((UNKNOWN, NOT_SEALED, [SEAL]), (UNEXPLAINED, NOT_TOLD, [KEPT])):
        for (number,) in connection.execute(query, kinds):
            yield Finding("event", str(number), sentence.format(number))
    yield from _leaves(connection)


UNKNOWN = "event {} was added past the seals"
NOT_SEALED = """
    SELECT id FROM kzopen.event WHERE id NOT IN (SELECT id FROM kzopen.event_unsealed) AND NOT id <@ (
        SELECT coalesce(range_agg((record->>'ids')::int8multirange), '{}') FROM kzopen.leaf WHERE kind = %s
    )
"""
UNEXPLAINED = "event {} was deleted, and no leaf tells of it"
NOT_TOLD = """
    SELECT id FROM kzopen.event_deleted WHERE NOT id <@ (
        SELECT coalesce(range_agg((record->>'ids')::int8multirange), '{}') FROM kzopen.leaf WHERE kind = %s
    )
"""
EVENTS = f"SELECT {', '.join(NAMES)} FROM kzopen.event WHERE id = ANY (%s)"  # noqa: S608 - names of our own columns
DELETED = "SELECT id, hash FROM kzopen.event_deleted WHERE id = ANY (%s)"


def _seal(connection: Connection, ids: list[int], sha256: str, at: str) -> Iterator[Finding]:
    """The events of one seal; an edited one can be told no closer than by its seal."""
    digests = {number: bytes(digest) for number, digest in connection.execute(DELETED, [ids])}
    digests |= {row[0]: _digest(row) for row in connection.execute(EVENTS, [ids])}
    missing = [number for number in ids if number not in digests]
    yield from (Finding("event", str(n), f"event {n}, sealed at {at}, is missing") for n in missing)
    if not missing and joined(digests[number] for number in ids) != sha256:
        among = str(ids[0]) if len(ids) == 1 else f"{ids[0]}–{ids[-1]}"
        yield Finding("event", str(ids[0]), f"event {among} is not what was sealed at {at}")


def _digest(row: Iterable[Any]) -> bytes:
    """As `sealing.digest_of`, for a row that was read without the model."""
    return hashlib.sha256(line_of(cast(Event, SimpleNamespace(**dict(zip(NAMES, row, strict=True))))).encode()).digest()


# Only what waits for its seal: for the rest the seal tells more.
LEAVES = """
    SELECT l.index, w.id, e.id IS NULL
    FROM kzopen.event_unsealed w
    JOIN kzopen.leaf l ON (l.record->>'event')::bigint = w.id AND l.record->>'transition' IS NOT NULL
    LEFT JOIN kzopen.event e ON e.id = w.id
    WHERE l.at > now() - interval '1 day' AND (e.id IS NULL
        OR (e.kind, e.object_id, e.verb, e.at) IS DISTINCT FROM (l.kind, l.object_id, l.record->>'transition', l.at)
        OR (e.actor, e.reason) IS DISTINCT FROM (l.record->>'actor', l.record->>'reason')
        OR e.new->>'state' IS DISTINCT FROM l.record->>'to')
"""


def _leaves(connection: Connection) -> Iterator[Finding]:
    """An event that waits for its seal must be what its leaf tells, if it has one."""
    for index, number, missing in connection.execute(LEAVES):
        what = "is missing" if missing else f"is not what leaf {index} tells"
        yield Finding("event", str(number), f"event {number} {what}")

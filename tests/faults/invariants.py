"""What must hold after any death: state, event, leaf, outbox row and receipt stand or fall together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from ckanext.kzopen.core.record.verification import verify_all

Connection = psycopg.Connection[Any]
QUERIES = {
    "letter {} is {}, its last event tells of {}": """
        SELECT l.id, l.state, e.new->>'state' FROM kzopen.test_letter l LEFT JOIN LATERAL (
            SELECT new FROM kzopen.event WHERE kind = 'letter' AND object_id = l.id ORDER BY id DESC LIMIT 1
        ) e ON true WHERE l.state IS DISTINCT FROM e.new->>'state'
    """,
    "letter {} has the event {} twice": """
        SELECT object_id, verb FROM kzopen.event WHERE kind = 'letter' GROUP BY 1, 2 HAVING count(*) > 1
    """,
    "event {} ({}) tells of no letter": """
        SELECT e.id, e.verb FROM kzopen.event e LEFT JOIN kzopen.test_letter l ON l.id = e.object_id
        WHERE e.kind = 'letter' AND l.id IS NULL
    """,
    "event {} ({}) has {} rows in the outbox": """
        SELECT e.id, e.verb, count(o.id) FROM kzopen.event e
        LEFT JOIN kzopen.outbox o ON o.topic = 'letter.' || e.verb AND (o.payload->>'event')::bigint = e.id
        WHERE e.kind = 'letter' GROUP BY 1, 2 HAVING count(o.id) <> 1
    """,
    "an outbox row {} tells of event {}, which is not": """
        SELECT o.id, o.payload->>'event' FROM kzopen.outbox o
        LEFT JOIN kzopen.event e ON e.id = (o.payload->>'event')::bigint WHERE o.topic LIKE 'letter.%' AND e.id IS NULL
    """,
    "event {} (answer) has {} leaves": """
        SELECT e.id, count(l.id) FROM kzopen.event e
        LEFT JOIN kzopen.leaf l ON l.kind = 'letter' AND (l.record->>'event')::bigint = e.id
        WHERE e.kind = 'letter' AND e.verb = 'answer' GROUP BY 1 HAVING count(l.id) <> 1
    """,
    "leaf {} tells of event {}, which is not": """
        SELECT l.index, l.record->>'event' FROM kzopen.leaf l
        LEFT JOIN kzopen.event e ON e.id = (l.record->>'event')::bigint WHERE l.kind = 'letter' AND e.id IS NULL
    """,
}


def broken(connection: Connection, receipts: Iterable[dict[str, Any]]) -> list[str]:
    """All that does not hold, in sentences."""
    found = [
        sentence.format(*row) for sentence, query in QUERIES.items() for row in connection.execute(query.encode()).fetchall()
    ]
    found += _receipts(connection, receipts)
    connection.rollback()
    return found + [finding.sentence for finding in verify_all(connection).findings]


def _receipts(connection: Connection, receipts: Iterable[dict[str, Any]]) -> Iterator[str]:
    query = "SELECT true FROM kzopen.leaf WHERE id = %s AND index = %s AND hash = decode(%s, 'hex')"
    for given in receipts:
        if connection.execute(query, [given["number"], given["index"], given["hash"]]).fetchone() is None:
            yield f"a receipt was given for leaf {given['index']}, which is not in the log"

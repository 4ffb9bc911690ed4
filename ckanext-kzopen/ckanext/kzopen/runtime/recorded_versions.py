"""Are the versions of tables those that were recorded? Compares the table of versions with its leaves in the public record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
# Versions go with a data set that is purged, which is an event, sealed like all events.
# An erased leaf tells no version any more; then the row has nothing to be compared with, and doctor names the erasure's leaf.
APART = """
    SELECT coalesce(v.package_id, l.object_id), coalesce(v.number, (l.record->>'version')::int), v.id IS NULL, l.id IS NULL
    FROM kzopen.version v
    FULL JOIN (SELECT * FROM kzopen.leaf WHERE kind = 'version' AND record IS NOT NULL) l
        ON l.object_id = v.package_id AND (l.record->>'version')::int = v.number
    WHERE v.id IS NULL AND NOT EXISTS (
            SELECT FROM kzopen.event e WHERE e.kind = 'dataset' AND e.object_id = l.object_id AND e.verb = 'purge')
        OR l.id IS NULL AND NOT EXISTS (SELECT FROM kzopen.leaf e WHERE e.kind = 'version' AND e.object_id = v.package_id
            AND e.erased IS NOT NULL)
        OR v.id IS NOT NULL AND l.id IS NOT NULL AND (v.uri, v.sha256, v.size, v.rows, v.delivery_id) IS DISTINCT FROM
            (l.record->>'uri', l.record->>'sha256', (l.record->>'size')::bigint, (l.record->>'rows')::bigint,
             l.record->>'delivery')
    ORDER BY 1, 2
"""


def version_findings(connection: Connection) -> Iterator[str]:
    """What does not agree, in sentences."""
    for package, number, row_missing, leaf_missing in connection.execute(APART):
        if row_missing:
            yield f"version {number} of data set {package} was recorded and is missing"
        elif leaf_missing:
            yield f"version {number} of data set {package} was never recorded"
        else:
            yield f"version {number} of data set {package} is not what was recorded"

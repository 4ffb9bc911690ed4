"""What every module that speaks to DataStore's database needs."""

from __future__ import annotations

import json

from psycopg2.extensions import cursor as Cursor  # noqa: N812 (the type of all cursors)
from psycopg2.sql import SQL, Identifier
from sqlalchemy.engine import Connection

HIDDEN = "_new_"
MARK = "SELECT obj_description(to_regclass(%s)), (SELECT stats->>'sha256' FROM _table_stats WHERE resource_id = %s)"
STATS = (
    "INSERT INTO _table_stats VALUES (%s, jsonb_build_object('rows', %s::bigint, 'sha256', %s::text)) "
    "ON CONFLICT (resource_id) DO UPDATE SET stats = excluded.stats"
)

__all__ = ["HIDDEN", "SQL", "Cursor", "Identifier", "cursor_of", "exists", "mark_of", "names", "set_stats"]


def cursor_of(connection: Connection) -> Cursor:
    """The driver's cursor: what is bound here are mostly names."""
    return connection.connection.cursor()


def exists(cursor: Cursor, name: str) -> bool:
    """Whether there is a table of that name."""
    cursor.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tablename = %s", (name,))
    return cursor.fetchone() is not None


def names(cursor: Cursor, name: str) -> list[str]:
    """The columns of a table without CKAN's own two."""
    cursor.execute(SQL("SELECT * FROM {} LIMIT 0").format(Identifier(name)))
    return [column.name for column in cursor.description if not column.name.startswith("_")]


def mark_of(cursor: Cursor, name: str) -> str | None:
    """The SHA-256 of the version that a table holds; None when it has no mark of ours.

    A table's comment tells from which version it was loaded. What it became by changes is told beside its row count, since
    the lock that a comment needs is held for minutes while the words are indexed.
    """
    cursor.execute(MARK, (f'"{name}"', name))
    (comment, changed) = cursor.fetchone()
    try:
        mark: str | None = changed or json.loads(comment or "{}").get("kzopen", {}).get("sha256")
    except (ValueError, AttributeError):
        return None
    return mark


def set_stats(cursor: Cursor, resource_id: str, rows: int, sha256: str) -> None:
    """Tell CKAN how many rows a table has, and ourselves which version it holds."""
    cursor.execute(STATS, (resource_id, rows, sha256))

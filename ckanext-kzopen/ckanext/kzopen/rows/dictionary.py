"""The data dictionary of a table that lies in DataStore: what CKAN tells of its columns, kept in their comments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ckanext.kzopen.rows.shapes import comment, dictionary
from ckanext.kzopen.rows.sql import Cursor, Identifier, cursor_of
from sqlalchemy.engine import Connection

COLUMNS = (
    "SELECT relname, attname, col_description(attrelid, attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname = ANY (%s) "
    "AND attnum > 0 AND NOT attisdropped AND NOT starts_with(attname, '_')"
)
LOCK_TIMEOUT = "1s"


def is_shown(connection: Connection, resource_id: str, schema: Mapping[str, Any]) -> bool:
    """Whether the table of a resource tells the labels of this schema; a table that is not there tells nothing wrong."""
    return not outdated(connection, {resource_id: schema})


def outdated(connection: Connection, schemas: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The resources of which DataStore tells the columns otherwise than these schemas, by resource."""
    shown = _shown(cursor_of(connection), schemas)
    return {resource_id for resource_id, columns in shown.items() if _changes(columns, schemas[resource_id])}


def show(connection: Connection, resource_id: str, schema: Mapping[str, Any]) -> None:
    """Let the table tell the labels of this schema, in the caller's transaction; readers and deliveries do not wait.

    Raises psycopg2's LockNotAvailable after LOCK_TIMEOUT while the words of the table are indexed.
    """
    cursor = cursor_of(connection)
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
    for columns in _shown(cursor, [resource_id]).values():
        for name, told in _changes(columns, schema).items():
            cursor.execute(comment(Identifier(resource_id), name, told))


def _shown(cursor: Cursor, resource_ids: Collection[str]) -> dict[str, dict[str, str | None]]:
    """The comments of the columns of each table that is there."""
    cursor.execute(COLUMNS, (list(resource_ids),))
    found: dict[str, dict[str, str | None]] = {}
    for resource_id, name, told in cursor.fetchall():
        found.setdefault(resource_id, {})[name] = told
    return found


def _changes(shown: Mapping[str, str | None], schema: Mapping[str, Any]) -> dict[str, str | None]:
    """The columns whose comments are not those of the schema, with what they should be."""
    return {name: told for name, told in dictionary(list(shown), schema).items() if told != shown[name]}

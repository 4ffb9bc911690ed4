"""Indexes of columns that were marked as looked up after their table was loaded.

A whole table that is loaded has them from its beginning; to one that is there they are added beside its readers and writers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckanext.kzopen.rows.shapes import Index, indexes
from ckanext.kzopen.rows.sql import SQL, Cursor, Identifier, cursor_of
from psycopg2.errors import ProgramLimitExceeded, UndefinedColumn, UndefinedTable
from sqlalchemy.engine import Engine

COLUMNS = (
    "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
)
# Of an index that was being made when its maker died, PostgreSQL keeps a name and uses nothing.
WHOLE = (
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = to_regclass(%s) AND i.indisvalid"
)


def marked(schema: Mapping[str, Any]) -> bool:
    """Whether a schema marks any column as looked up."""
    return any(field.get("indexed") for field in schema.get("fields", ()))


def missing(cursor: Cursor, resource_id: str, schema: Mapping[str, Any]) -> dict[str, Index]:
    """The columns that a schema marks as looked up and of which the table has no index; the key is not among them, which only
    a whole table can get. Nothing where there is no table."""
    if not marked(schema):
        return {}
    name = f'"{resource_id}"'
    cursor.execute(COLUMNS, (name,))
    types = {str(column): str(kind) for column, kind in cursor.fetchall()}
    cursor.execute(WHOLE, (name,))
    there = {str(index) for (index,) in cursor.fetchall()}
    wanted = [index for index in indexes(resource_id, schema, types) if not index.unique]
    return {index.fields[0]: index for index in wanted if index.name not in there}


def make(engine: Engine, resource_id: str, schema: Mapping[str, Any]) -> None:
    """Make the missing ones; nobody waits for it. A column with values that are too long gets none, which doctor tells: it is
    for its agency to take the mark away, or to publish shorter ones."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        cursor = cursor_of(connection)
        for index in missing(cursor, resource_id, schema).values():
            drop = SQL("DROP INDEX IF EXISTS {}").format(Identifier(index.name))
            cursor.execute(drop)
            try:
                cursor.execute(index.creation(Identifier(resource_id), "", beside=True))
            except (UndefinedTable, UndefinedColumn):
                return  # another table took its place
            except ProgramLimitExceeded:
                cursor.execute(drop)

"""Indexes of columns that were marked as looked up, or whose mark was taken away, after their table was loaded.

A whole table that is loaded has them from its beginning; to one that is there they are added, and taken from it, beside its
readers and writers.
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
USABLE = (
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = to_regclass(%s) AND i.indisvalid"
)
OF_NO_KEY = (
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = to_regclass(%s) AND NOT i.indisunique"
)


def amiss(cursor: Cursor, resource_id: str, schema: Mapping[str, Any]) -> list[Index]:
    """The indexes that `make` has to make or to remove."""
    return missing(cursor, resource_id, schema) + superfluous(cursor, resource_id, schema)


def missing(cursor: Cursor, resource_id: str, schema: Mapping[str, Any]) -> list[Index]:
    """The indexes of columns that a schema marks as looked up which the table does not have; not that of the key, which only a
    whole table can get. Nothing where there is no table."""
    types, there = _types(cursor, resource_id), usable(cursor, resource_id)
    return [index for index in indexes(resource_id, schema, types) if not index.unique and index.name not in there]


def superfluous(cursor: Cursor, resource_id: str, schema: Mapping[str, Any]) -> list[Index]:
    """The indexes of single columns, that of no key among them, which a schema does not mark as looked up. They are known by
    the names that CKAN gives them; an index of another name is its maker's affair."""
    types = _types(cursor, resource_id)
    every = {"fields": [{"name": column, "indexed": True} for column in types if not column.startswith("_")]}
    wanted = {index.name for index in indexes(resource_id, schema, types)}
    cursor.execute(OF_NO_KEY, (f'"{resource_id}"',))
    there = {str(index) for (index,) in cursor.fetchall()}
    return [index for index in indexes(resource_id, every, types) if index.name in there - wanted]


def _types(cursor: Cursor, resource_id: str) -> dict[str, str]:
    cursor.execute(COLUMNS, (f'"{resource_id}"',))
    return {str(column): str(kind) for column, kind in cursor.fetchall()}


def usable(cursor: Cursor, resource_id: str) -> set[str]:
    """The names of the indexes that the table uses: of one whose maker died in the midst, PostgreSQL keeps a name only."""
    cursor.execute(USABLE, (f'"{resource_id}"',))
    return {str(index) for (index,) in cursor.fetchall()}


def drop(cursor: Cursor, index: Index) -> None:
    """Remove an index, or what a dead maker left of it; otherwise than CONCURRENTLY it would wait for readers, and all others
    for it."""
    cursor.execute(SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(Identifier(index.name)))


def build(cursor: Cursor, resource_id: str, index: Index) -> None:
    """Make an index that is not usable yet beside readers and writers; outside a transaction."""
    drop(cursor, index)
    cursor.execute(index.creation(Identifier(resource_id), "", beside=True))


def make(engine: Engine, resource_id: str, schema: Mapping[str, Any]) -> None:
    """Make the missing ones, and remove those that are not wanted any more; nobody waits for it. A column with values that are
    too long gets none, which doctor tells: it is for its agency to take the mark away, or to publish shorter ones.

    Raises psycopg2's QueryCanceled when a new table is to take the place of this one meanwhile.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        cursor = cursor_of(connection)
        for index in superfluous(cursor, resource_id, schema):
            drop(cursor, index)
        for index in missing(cursor, resource_id, schema):
            if index.name in usable(cursor, resource_id):  # of a table that took the place meanwhile
                continue
            try:
                build(cursor, resource_id, index)
            except (UndefinedTable, UndefinedColumn):
                return  # another table took its place
            except ProgramLimitExceeded:
                drop(cursor, index)

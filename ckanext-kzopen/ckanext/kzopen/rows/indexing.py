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
INDEXES = (
    "SELECT c.relname, i.indisvalid, i.indisunique FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = to_regclass(%s)"
)


def amiss(cursor: Cursor, resource_id: str, schema: Mapping[str, Any]) -> tuple[list[Index], list[Index]]:
    """The indexes that `make` has to make, and those that it has to remove; none where there is no table.

    Missing are those of columns that the schema marks as looked up; not that of the key, which only a whole table can get.
    Left over are those of single columns, that of no key among them, which it does not mark. They are known by the names that
    CKAN gives them; an index of another name is its maker's affair.
    """
    cursor.execute(COLUMNS, (f'"{resource_id}"',))
    types = {str(column): str(kind) for column, kind in cursor.fetchall()}
    there = _indexes(cursor, resource_id)
    wanted = {index.name: index for index in indexes(resource_id, schema, types)}
    in_use = {name for name, is_usable, _ in there if is_usable}
    missing = [index for name, index in wanted.items() if not index.unique and name not in in_use]
    every = {"fields": [{"name": column, "indexed": True} for column in types if not column.startswith("_")]}
    of_no_key = {name for name, _, is_unique in there if not is_unique}
    left = [index for index in indexes(resource_id, every, types) if index.name in of_no_key - wanted.keys()]
    return missing, left


def usable(cursor: Cursor, resource_id: str) -> set[str]:
    """The names of the indexes that the table uses: of one whose maker died in the midst, PostgreSQL keeps a name only."""
    return {name for name, is_usable, _ in _indexes(cursor, resource_id) if is_usable}


def _indexes(cursor: Cursor, resource_id: str) -> list[tuple[str, bool, bool]]:
    """The table's indexes: name, whether it is used, whether it is unique."""
    cursor.execute(INDEXES, (f'"{resource_id}"',))
    return [(str(name), bool(is_usable), bool(is_unique)) for name, is_usable, is_unique in cursor.fetchall()]


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
        missing, left = amiss(cursor, resource_id, schema)
        for index in left:
            drop(cursor, index)
        for index in missing:
            if index.name in usable(cursor, resource_id):  # of a table that took the place meanwhile
                continue
            try:
                build(cursor, resource_id, index)
            except (UndefinedTable, UndefinedColumn):
                return  # another table took its place
            except ProgramLimitExceeded:
                drop(cursor, index)

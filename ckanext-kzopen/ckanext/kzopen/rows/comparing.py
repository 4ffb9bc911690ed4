"""Does a table in DataStore hold the rows of its version? Marks and counts do not tell what SQL has changed past the portal.

The version's rows are loaded once more, piece by piece, into a temporary table of the same columns, and PostgreSQL compares
them: so no value has to be brought into one form by two programs, and nothing has to be kept beside the rows for it. It costs
two to three times what loading them costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
from ckanext.kzopen.rows.copying import CopyStream
from ckanext.kzopen.rows.reading import Table
from ckanext.kzopen.rows.shapes import column_types
from ckanext.kzopen.rows.sql import SQL, Cursor, Identifier, cursor_of, exists, mark_of
from psycopg2.sql import Composed, Literal
from sqlalchemy.engine import Engine

PIECE = 20_000
"""Rows that are compared in one statement: they fit into its memory, and whoever wants to replace the table waits for it."""
TYPES = (
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND NOT starts_with(attname, '_')"
)
TOLD = "SELECT name, format_type(kind::regtype, NULL) FROM unnest(%s::text[], %s::text[]) AS told (name, kind)"
STAGED = Identifier("_kzopen_compared")


@dataclass(frozen=True)
class Difference:
    """How many rows are changed, missing or too many, and the number of the first (from 1).

    The rows were not looked at when the columns themselves are others, by name or type (`columns`), or files of the version
    are missing (`files`).
    """

    rows: int
    first: int | None
    columns: bool = False
    files: bool = False


class Moved(Exception):
    """The table does not hold the version any more: a newer one was published meanwhile."""


def difference(engine: Engine, resource_id: str, table: Table, sha256: str, schema: Mapping[str, Any]) -> Difference | None:
    """What a resource's table has otherwise than `table`, the version `sha256`; None when it has all its rows and no others.

    `schema` is the version's Table Schema, from which follows what types the columns have.

    Also None when the table is not at that version, before or meanwhile: `current.astray` tells of it. `_full_text`, which is
    filled later, is not looked at.
    """
    rows, first, start, types = 0, None, 0, column_types(table.schema, schema)
    try:
        for piece in table.batches(size=PIECE):
            last = start + piece.num_rows >= table.rows
            found = _compared(engine, resource_id, piece, types, sha256, start, last)
            if found.columns:
                return found
            first = found.first if first is None else first
            rows, start = rows + found.rows, start + piece.num_rows
    except Moved:
        return None
    return Difference(rows, first) if rows else None


def _compared(
    engine: Engine, resource_id: str, piece: pa.Table, types: Mapping[str, str], sha256: str, start: int, last: bool
) -> Difference:
    """The rows after number `start`, in a transaction of its own; the last piece is compared with all that follow."""
    with engine.begin() as connection:
        cursor, columns = cursor_of(connection), piece.column_names
        if not exists(cursor, resource_id) or mark_of(cursor, resource_id) != sha256:
            raise Moved
        if _types(cursor, resource_id) != _as_told(cursor, types):
            return Difference(0, None, columns=True)
        _stage(cursor, resource_id, piece, start)
        cursor.execute(_comparison(resource_id, columns, start, None if last else start + piece.num_rows))
        rows, first = cursor.fetchone()
        # A delivery changes rows and mark together, so what was found counts only if the mark is still the same.
        if mark_of(cursor, resource_id) != sha256:
            raise Moved
    return Difference(rows, first)


def _types(cursor: Cursor, resource_id: str) -> dict[str, str]:
    """The types of a table's columns, without CKAN's own two."""
    cursor.execute(TYPES, (f'"{resource_id}"',))
    return dict(cursor.fetchall())


def _as_told(cursor: Cursor, types: Mapping[str, str]) -> dict[str, str]:
    """Types under the names by which PostgreSQL tells them."""
    cursor.execute(TOLD, (list(types), list(types.values())))
    return dict(cursor.fetchall())


def _stage(cursor: Cursor, resource_id: str, piece: pa.Table, start: int) -> None:
    columns = SQL(", ").join(map(Identifier, ["_id", *piece.column_names]))
    source = Identifier(resource_id)
    cursor.execute(
        SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0").format(STAGED, columns, source)
    )
    numbers = pl.int_range(start + 1, start + 1 + piece.num_rows, eager=True).to_arrow()
    rows = CopyStream([piece.replace_schema_metadata(None).add_column(0, "_id", numbers)], numbered=False)
    cursor.copy_expert(SQL("COPY {} FROM STDIN (FORMAT csv)").format(STAGED), rows)
    cursor.execute(SQL("ANALYZE {}").format(STAGED))


def _comparison(resource_id: str, columns: list[str], start: int, end: int | None) -> Composed:
    here = SQL(", ").join(SQL("here.{}").format(Identifier(name)) for name in columns)
    wanted = SQL(", ").join(SQL("wanted.{}").format(Identifier(name)) for name in columns)
    bounds = ([SQL("_id > {}").format(Literal(start))] if start else []) + (
        [SQL("_id <= {}").format(Literal(end))] if end is not None else []
    )
    read = SQL(", ").join(map(Identifier, ["_id", *columns]))
    among = SQL(" AND ").join([*bounds, SQL("true")])
    part = SQL("SELECT {} FROM {} WHERE {}").format(read, Identifier(resource_id), among)
    return SQL(
        "SELECT count(*), min(coalesce(here._id, wanted._id)) FROM ({}) here FULL JOIN {} wanted ON here._id = wanted._id "
        "WHERE here._id IS NULL OR wanted._id IS NULL OR ROW({}) IS DISTINCT FROM ROW({})"
    ).format(part, STAGED, here, wanted)

"""A small table that is new in DataStore, in one statement and under its own name: nobody knows the resource before.

It ends as `datastore.load` would leave it, which builds a hidden table and renames it: twice the work, of which readers of a
table that is replaced have the use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from ckanext.kzopen.rows.datastore import marking
from ckanext.kzopen.rows.shapes import column_types, completion, creation, refuse_names
from ckanext.kzopen.rows.sql import SQL, Identifier, cursor_of, set_stats
from ckanext.kzopen.rows.words import text_of
from psycopg2.sql import Composed, Literal
from sqlalchemy.engine import Connection


def create(connection: Connection, resource_id: str, table: pa.Table, *, sha256: str, schema: Mapping[str, Any]) -> None:
    """Make the resource's table with its rows, words, indexes and labels, in the caller's transaction; `table` is a version
    and `sha256` its checksum."""
    types = column_types(table.schema, schema)
    refuse_names(list(types))
    name, cursor = Identifier(resource_id), cursor_of(connection)
    made = [creation(name, types), _filled(name, table, types)]
    made += [*completion(resource_id, types, schema, with_text=True), marking(resource_id, sha256)]
    cursor.execute(SQL("; ").join(made))
    set_stats(cursor, resource_id, table.num_rows, sha256)


def _filled(name: Identifier, table: pa.Table, types: Mapping[str, str]) -> Composed:
    """INSERT of all rows, which come as one list of texts for each column, as COPY would read them."""
    columns = [Identifier(column) for column in types]
    texts = [Literal(table.column(column).cast(pa.string()).to_pylist()) for column in types]
    typed = [
        SQL("{}::{} AS {}").format(column, SQL(kind), column) for column, kind in zip(columns, types.values(), strict=True)
    ]
    return SQL(
        "INSERT INTO {} (_id, _full_text, {}) SELECT _id, {}, {} FROM (SELECT _id, {} FROM ROWS FROM ({}) "
        "WITH ORDINALITY AS given ({}, _id)) AS typed"
    ).format(
        name,
        SQL(", ").join(columns),
        text_of(types, None),
        SQL(", ").join(columns),
        SQL(", ").join(typed),
        SQL(", ").join(SQL("unnest({}::text[])").format(text) for text in texts),
        SQL(", ").join(columns),
    )

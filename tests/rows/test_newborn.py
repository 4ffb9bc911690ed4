"""A new small table in DataStore is what `datastore.load` would have made of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from ckanext.kzopen.rows import datastore, newborn, shapes
from psycopg2.sql import SQL, Identifier
from sqlalchemy.engine import Engine

from tests.rows.test_datastore import SCHEMA, TABLE

pytestmark = pytest.mark.usefixtures("with_request_context")

SHA256 = "5" * 64
OBJECTS = """
    SELECT c.relname, c.relkind, pg_get_indexdef(c.oid), c.reloptions, i.indisprimary, i.indisunique,
        (SELECT array_agg((a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
            col_description(c.oid, a.attnum))::text ORDER BY a.attnum) FROM pg_attribute a
            LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0),
        obj_description(c.oid), c.reltuples,
        (SELECT array_agg(pg_get_triggerdef(t.oid)) FROM pg_trigger t WHERE t.tgrelid = c.oid),
        (SELECT array_agg(s.attname ORDER BY 1) FROM pg_stats s WHERE s.tablename = c.relname)
    FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
    WHERE c.relname IN (%(id)s, %(id)s || '_pkey', %(id)s || '__id_seq') OR i.indrelid = to_regclass('"' || %(id)s || '"')
"""
ODD = pa.table({"a": ["%s {} \\ ' \"", "", None], "b": pa.nulls(3), "c": [1.5e300, float("nan"), None]})


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        pytest.param(TABLE, SCHEMA, id="all types"),
        pytest.param(TABLE.slice(0, 0), SCHEMA, id="no row"),
        pytest.param(ODD, {"fields": [{"name": name} for name in "abc"]}, id="odd values"),
        pytest.param(pa.table({f"c{n}": ["x"] for n in range(200)}), {"fields": []}, id="two hundred columns"),
    ],
)
def test_it_is_what_a_load_would_have_made(write_engine: Engine, table: pa.Table, schema: dict[str, Any]) -> None:
    loaded, born = str(uuid4()), str(uuid4())
    with write_engine.begin() as connection:
        datastore.load(connection, loaded, table, sha256=SHA256, schema=schema)
        newborn.create(connection, born, table, sha256=SHA256, schema=schema)
        assert told(connection, born) == told(connection, loaded)
        connection.rollback()


def test_a_name_that_datastore_cannot_hold_is_refused(write_engine: Engine) -> None:
    with write_engine.begin() as connection, pytest.raises(shapes.UnfitName):
        newborn.create(connection, str(uuid4()), pa.table({"_x": ["1"]}), sha256=SHA256, schema={"fields": []})


def told(connection: Any, resource_id: str) -> Any:
    """The table with all that belongs to it, without its name."""
    cursor = connection.connection.cursor()
    cursor.execute(OBJECTS, {"id": resource_id})
    hashed = {index.name: f"index {number}" for number, index in enumerate(_indexes(cursor, resource_id))}
    objects = sorted(_without(str(row), resource_id, hashed) for row in cursor.fetchall())
    cursor.execute(SQL("SELECT * FROM {} ORDER BY _id").format(Identifier(resource_id)))
    rows = [str(row) for row in cursor.fetchall()]
    cursor.execute("SELECT stats FROM _table_stats WHERE resource_id = %s", (resource_id,))
    stats = cursor.fetchall()
    cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, '_id'))", (f'"{resource_id}"',))
    return objects, rows, stats, cursor.fetchall()


def _indexes(cursor: Any, resource_id: str) -> list[Any]:
    cursor.execute(SQL("SELECT * FROM {} LIMIT 0").format(Identifier(resource_id)))
    types = {column.name: "text" for column in cursor.description}
    return [*shapes.indexes(resource_id, SCHEMA, types), shapes.text_index(resource_id)]


def _without(text: str, resource_id: str, hashed: dict[str, str]) -> str:
    for name, instead in {resource_id: "table", **hashed}.items():
        text = text.replace(name, instead)
    return text

"""The current version of a table in CKAN's DataStore, as CKAN's own `datastore_create` would have left it.

Two databases cannot commit as one, so this is the order, and what a crash between its steps leaves:

1. the Parquet file is written and synced          → a file that no version names; `store.delete_leftovers`
2. `prepare` builds a hidden table, committed      → a hidden table; the next `prepare` of the resource drops it
3. the main database commits the `Version` row     → truth: the version is published, DataStore still shows the last one
4. `switch` puts the hidden table in place         → until then `loaded` differs from the version and `load` is repeated

`load` does 2 and 4 at once. DataStore can always be made again from a version's file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
import pyarrow as pa
from ckanext.kzopen.rows.copying import CopyStream
from ckanext.kzopen.rows.shapes import column_types, comments, creation, indexes, refuse_names, text_index
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import cursor as Cursor  # noqa: N812 (the type of all cursors)
from psycopg2.sql import SQL, Composable, Identifier, Literal
from sqlalchemy.engine import Connection, Engine

HIDDEN = "_new_"
STAGED = Identifier("_kzopen_staged")
FULL_TEXT_ROWS = 200_000
LONGEST_TEXT = 250_000
LOCK_TIMEOUT = "500ms"
LOCK_ATTEMPTS = 20
FILL_BATCH = 10_000


@dataclass(frozen=True)
class Prepared:
    """A hidden table ready to take the place of a resource's; `full_text` tells whether `q` finds its rows."""

    resource_id: str
    rows: int
    full_text: bool


@dataclass(frozen=True)
class Loaded:
    """What DataStore holds for a resource: the SHA-256 of the version it was loaded from, and how many rows."""

    sha256: str | None
    rows: int


def load(
    connection: Connection,
    resource_id: str,
    table: pa.Table,
    *,
    sha256: str,
    schema: Mapping[str, Any],
    language: str | None = None,
    full_text: bool | None = None,
) -> Prepared:
    """Replace the rows of a resource, in the caller's transaction on DataStore's write engine.

    `table` is a version and `sha256` its checksum; of its Table Schema `schema` the primary key and the fields marked
    `"indexed": true` get an index, titles and descriptions become the data dictionary. `language` is the text-search
    configuration, else that in which CKAN reads `q` (`ckan.datastore.default_fts_lang`). Unless `full_text` says
    otherwise, `_full_text` is filled at once for tables of up to FULL_TEXT_ROWS rows (about 30 µs a row); the job
    `rows.fill_full_text` fills the others. Commit soon: readers wait from the switch to the commit.
    """
    prepared = prepare(connection, resource_id, table, sha256=sha256, schema=schema, language=language, full_text=full_text)
    switch(connection, prepared)
    return prepared


def prepare(
    connection: Connection,
    resource_id: str,
    table: pa.Table,
    *,
    sha256: str,
    schema: Mapping[str, Any],
    language: str | None = None,
    full_text: bool | None = None,
) -> Prepared:
    """Build the hidden table with its rows, indexes, labels and statistics; nobody reads it or waits for it."""
    refuse_names(table.column_names)
    types = column_types(table, schema)
    hidden = Identifier(HIDDEN + resource_id)
    with_text = table.num_rows <= FULL_TEXT_ROWS if full_text is None else full_text
    cursor = _cursor(connection)
    cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(hidden))
    cursor.execute(creation(hidden, types))
    if with_text:
        _copy_with_text(cursor, hidden, table, types, language)
    else:
        _copy(cursor, hidden, table)
    cursor.execute(SQL("ALTER TABLE {} ADD PRIMARY KEY (_id)").format(hidden))
    wanted = indexes(resource_id, schema, types) + ([text_index(resource_id)] if with_text else [])
    for index in wanted:
        cursor.execute(index.creation(hidden, HIDDEN))
    for comment in comments(hidden, table.column_names, schema):
        cursor.execute(comment)
    _finish(cursor, resource_id, table.num_rows, sha256)
    return Prepared(resource_id, table.num_rows, with_text)


def _finish(cursor: Cursor, resource_id: str, rows: int, sha256: str) -> None:
    """What CKAN's tables have besides columns, and the mark from which version the rows come."""
    hidden = Identifier(HIDDEN + resource_id)
    sequence = Literal(f'"{HIDDEN}{resource_id}"')
    cursor.execute(SQL("SELECT setval(pg_get_serial_sequence({}, '_id'), {}, false)").format(sequence, Literal(rows + 1)))
    cursor.execute(
        SQL("CREATE TRIGGER zfulltext BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE {}").format(
            hidden, SQL("PROCEDURE populate_full_text_trigger()")
        )
    )
    cursor.execute(SQL("COMMENT ON TABLE {} IS {}").format(hidden, Literal(json.dumps({"kzopen": {"sha256": sha256}}))))
    cursor.execute(SQL("ANALYZE {}").format(hidden))


def _copy(cursor: Cursor, target: Identifier, table: pa.Table) -> None:
    names = SQL(", ").join(map(Identifier, ["_id", *table.column_names]))
    command = SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(target, names)
    cursor.copy_expert(command, CopyStream(table))


def _copy_with_text(
    cursor: Cursor, hidden: Identifier, table: pa.Table, types: Mapping[str, str], language: str | None
) -> None:
    """By way of a temporary table: four times faster than CKAN's trigger on each row, and no dead rows are left."""
    cursor.execute(SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(STAGED, hidden))
    _copy(cursor, STAGED, table)
    names = SQL(", ").join(map(Identifier, types))
    cursor.execute(
        SQL("INSERT INTO {} (_id, _full_text, {}) SELECT _id, {}, {} FROM {}").format(
            hidden, names, _text_of(types, language), names, STAGED
        )
    )
    cursor.execute(SQL("DROP TABLE {}").format(STAGED))


def _text_of(types: Mapping[str, str], language: str | None) -> Composable:
    """The words of a row; functions take at most 100 arguments and a tsvector at most 1 MB."""
    chosen = language or tk.config["ckan.datastore.default_fts_lang"]
    columns = [SQL("{}::text").format(Identifier(name)) for name in types]
    parts = [SQL("concat_ws(' ', {})").format(SQL(", ").join(columns[n : n + 90])) for n in range(0, len(columns), 90)]
    whole = SQL(" || ' ' || ").join(parts) if parts else Literal("")
    return SQL("to_tsvector({}::regconfig, left({}, {}))").format(Literal(chosen), whole, Literal(LONGEST_TEXT))


def switch(connection: Connection, prepared: Prepared) -> None:
    """Put the hidden table in the place of the resource's; its views (CKAN's aliases) are made again over the new one.

    The lock is asked for in short attempts, so that one long reader does not make all others queue behind us;
    psycopg2's LockNotAvailable when all of them failed.
    """
    cursor = _cursor(connection)
    final, hidden = Identifier(prepared.resource_id), Identifier(HIDDEN + prepared.resource_id)
    _lock(cursor, prepared.resource_id)
    aliases = _aliases(cursor, prepared.resource_id)
    cursor.execute(SQL("DROP TABLE IF EXISTS {} CASCADE").format(final))
    for kind, name in _dependents(cursor, prepared.resource_id):
        renamed = Identifier(name.removeprefix(HIDDEN))
        cursor.execute(SQL("ALTER {} {} RENAME TO {}").format(SQL(kind), Identifier(name), renamed))
    cursor.execute(SQL("ALTER TABLE {} RENAME TO {}").format(hidden, final))
    for alias in aliases:
        cursor.execute(SQL("CREATE VIEW {} AS SELECT * FROM {}").format(Identifier(alias), final))
    cursor.execute(
        "INSERT INTO _table_stats VALUES (%s, jsonb_build_object('rows', %s::bigint)) "
        "ON CONFLICT (resource_id) DO UPDATE SET stats = excluded.stats",
        (prepared.resource_id, prepared.rows),
    )


def _lock(cursor: Cursor, resource_id: str) -> None:
    if not _exists(cursor, resource_id):
        return
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        cursor.execute("SAVEPOINT kzopen_lock")
        cursor.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
        try:
            cursor.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(Identifier(resource_id)))
        except LockNotAvailable:
            if attempt == LOCK_ATTEMPTS:
                raise
            cursor.execute("ROLLBACK TO SAVEPOINT kzopen_lock")
            time.sleep(0.1 * attempt)
        else:
            cursor.execute("SET LOCAL lock_timeout = 0")
            return


def _exists(cursor: Cursor, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tablename = %s", (name,))
    return cursor.fetchone() is not None


def _aliases(cursor: Cursor, resource_id: str) -> list[str]:
    cursor.execute("SELECT name FROM _table_metadata WHERE alias_of = %s ORDER BY name", (resource_id,))
    return [name for (name,) in cursor.fetchall()]


def _dependents(cursor: Cursor, resource_id: str) -> list[tuple[str, str]]:
    """Indexes and the sequence of the hidden table, whose names begin as its own does."""
    cursor.execute(
        "SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END, c.relname FROM pg_class c "
        "LEFT JOIN pg_index i ON i.indexrelid = c.oid "
        "LEFT JOIN pg_depend d ON d.objid = c.oid AND d.deptype IN ('a', 'i') AND c.relkind = 'S' "
        "WHERE coalesce(i.indrelid, d.refobjid) = to_regclass(%s) AND starts_with(c.relname, %s)",
        (f'"{HIDDEN}{resource_id}"', HIDDEN),
    )
    return cursor.fetchall()


def drop(connection: Connection, resource_id: str) -> None:
    """Remove a resource's rows, its hidden table, and what is remembered of them."""
    cursor = _cursor(connection)
    for name in (resource_id, HIDDEN + resource_id):
        cursor.execute(SQL("DROP TABLE IF EXISTS {} CASCADE").format(Identifier(name)))
    cursor.execute("DELETE FROM _table_stats WHERE resource_id = %s", (resource_id,))


def marks(connection: Connection, resource_id: str) -> list[str]:
    """The SHA-256 of the versions that the resource's tables hold, the hidden one too; "" for a table of unknown origin."""
    cursor = _cursor(connection)
    found = []
    for name in (resource_id, HIDDEN + resource_id):
        if _exists(cursor, name):
            cursor.execute("SELECT obj_description(to_regclass(%s))", (f'"{name}"',))
            found.append(_mark(cursor.fetchone()[0]) or "")
    return found


def loaded(connection: Connection, resource_id: str) -> Loaded | None:
    """What DataStore holds for the resource, counted; None when it has no table."""
    cursor = _cursor(connection)
    if not _exists(cursor, resource_id):
        return None
    cursor.execute("SELECT obj_description(to_regclass(%s))", (f'"{resource_id}"',))
    (comment,) = cursor.fetchone()
    cursor.execute(SQL("SELECT count(*) FROM {}").format(Identifier(resource_id)))
    (rows,) = cursor.fetchone()
    return Loaded(_mark(comment), rows)


def _mark(comment: str | None) -> str | None:
    try:
        mark: str | None = json.loads(comment or "{}").get("kzopen", {}).get("sha256")
    except (ValueError, AttributeError):
        return None
    return mark


def fill_full_text(engine: Engine, resource_id: str, language: str | None = None) -> int:
    """Fill `_full_text` where it is still empty, in short transactions, then index it; how many rows were filled.

    Safe to run again, and to run while versions are switched: each batch looks at the table as it is then.
    """
    filled, last = 0, 0
    while True:
        with engine.begin() as connection:
            cursor = _cursor(connection)
            batch = _next_batch(cursor, resource_id, last)
            if batch is None:
                break
            filled += _fill(cursor, resource_id, last, batch, language)
            last = batch
    with engine.begin() as connection:
        _index_text(_cursor(connection), resource_id)
    return filled


def _next_batch(cursor: Cursor, resource_id: str, last: int) -> int | None:
    """The number of the last row of the next batch; None when there is none (or no table any more)."""
    if not _exists(cursor, resource_id):
        return None
    query = SQL("SELECT max(_id) FROM (SELECT _id FROM {} WHERE _id > %s ORDER BY _id LIMIT %s) AS batch")
    cursor.execute(query.format(Identifier(resource_id)), (last, FILL_BATCH))
    (number,) = cursor.fetchone()
    return number


def _fill(cursor: Cursor, resource_id: str, after: int, until: int, language: str | None) -> int:
    cursor.execute(SQL("SELECT * FROM {} LIMIT 0").format(Identifier(resource_id)))
    names = {column.name: "" for column in cursor.description if not column.name.startswith("_")}
    query = SQL("UPDATE {} SET _full_text = {} WHERE _id > {} AND _id <= {} AND _full_text IS NULL")
    target = Identifier(resource_id)
    cursor.execute(query.format(target, _text_of(names, language), Literal(after), Literal(until)))
    return cursor.rowcount


def _index_text(cursor: Cursor, resource_id: str) -> None:
    index = text_index(resource_id)
    cursor.execute("SELECT 1 FROM pg_indexes WHERE indexname = %s", (index.name,))
    if cursor.fetchone() is None and _exists(cursor, resource_id):
        cursor.execute(index.creation(Identifier(resource_id), ""))
        cursor.execute(SQL("ANALYZE {}").format(Identifier(resource_id)))


def _cursor(connection: Connection) -> Cursor:
    return connection.connection.cursor()

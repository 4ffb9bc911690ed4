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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa
from ckanext.kzopen.rows.copying import CopyStream, Source, batches_of, rows_of
from ckanext.kzopen.rows.shapes import column_types, completion, creation, refuse_names
from ckanext.kzopen.rows.sql import HIDDEN, SQL, Cursor, Identifier, cursor_of, exists, mark_of, set_stats
from ckanext.kzopen.rows.words import fill_full_text, text_of
from psycopg2.errors import LockNotAvailable, UndefinedTable
from psycopg2.sql import Composed, Literal
from sqlalchemy.engine import Connection

__all__ = [
    "Loaded",
    "Prepared",
    "build_hidden",
    "drop",
    "drop_unless",
    "fill_full_text",
    "load",
    "loaded",
    "mark",
    "mark_hidden",
    "marks",
    "prepare",
    "switch",
]

STAGED = Identifier("_kzopen_staged")
FULL_TEXT_ROWS = 200_000
COPY_BYTES = 1 << 20
LOCK_TIMEOUT = "100ms"
LOCK_ATTEMPTS = 20
LOCK_LOOKS, LOCK_PAUSE = 250, 0.02
# They hold their table until their end, and that they wait for ours nobody finds out, who only looks for a lock.
CANCEL_BUILDS = (
    "SELECT pg_cancel_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE a.datname = current_database() AND a.usename = current_user AND l.relation = to_regclass(%s) AND l.granted "
    "AND l.mode = 'ShareUpdateExclusiveLock' AND a.query ~ '^(CREATE|DROP) INDEX CONCURRENTLY'"
)


@dataclass(frozen=True)
class Prepared:
    """A hidden table ready to take the place of a resource's; `full_text` tells whether `q` finds its rows."""

    resource_id: str
    rows: int
    full_text: bool
    sha256: str


@dataclass(frozen=True)
class Loaded:
    """What DataStore holds for a resource: the SHA-256 of the version it was loaded from, and how many rows."""

    sha256: str | None
    rows: int


def load(
    connection: Connection,
    resource_id: str,
    table: pa.Table | Source,
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
    table: pa.Table | Source,
    *,
    sha256: str,
    schema: Mapping[str, Any],
    language: str | None = None,
    full_text: bool | None = None,
) -> Prepared:
    """Build the hidden table with its rows, indexes, labels and statistics; nobody reads it or waits for it."""
    types, count = column_types(table.schema, schema), rows_of(table)
    with_text = count <= FULL_TEXT_ROWS if full_text is None else full_text
    cursor = cursor_of(connection)
    hidden = _created(cursor, resource_id, types)
    if with_text:
        _copy_with_text(cursor, hidden, table, types, language)
    else:
        _copy(cursor, hidden, table.schema.names, batches_of(table))
    _complete(cursor, resource_id, types, schema, with_text=with_text)
    mark_hidden(connection, resource_id, sha256)
    return Prepared(resource_id, count, with_text, sha256)


def build_hidden(connection: Connection, resource_id: str, rows: Iterator[pa.Table], schema: Mapping[str, Any]) -> None:
    """Build the hidden table of rows that come one piece after the other, at least one, without words; it lacks its mark."""
    first = next(rows)
    types, cursor = column_types(first.schema, schema), cursor_of(connection)
    hidden = _created(cursor, resource_id, types)
    _copy(cursor, hidden, first.schema.names, chain([first], rows))
    _complete(cursor, resource_id, types, schema, with_text=False)


def mark_hidden(connection: Connection, resource_id: str, sha256: str) -> None:
    """Note on the hidden table from which version its rows come."""
    cursor_of(connection).execute(marking(HIDDEN + resource_id, sha256))


def marking(table: str, sha256: str) -> Composed:
    """The statement that notes on a table from which version its rows come."""
    return SQL("COMMENT ON TABLE {} IS {}").format(Identifier(table), Literal(json.dumps({"kzopen": {"sha256": sha256}})))


def _created(cursor: Cursor, resource_id: str, types: Mapping[str, str]) -> Identifier:
    refuse_names(list(types))
    hidden = Identifier(HIDDEN + resource_id)
    cursor.execute(SQL("DROP TABLE IF EXISTS {}").format(hidden))
    cursor.execute(creation(hidden, types))
    return hidden


def _complete(
    cursor: Cursor, resource_id: str, types: Mapping[str, str], schema: Mapping[str, Any], *, with_text: bool
) -> None:
    """What CKAN's tables have besides columns and rows, and statistics."""
    cursor.execute(SQL("; ").join(completion(resource_id, types, schema, with_text=with_text, prefix=HIDDEN)))


def _copy(cursor: Cursor, target: Identifier, columns: Sequence[str], rows: Iterable[pa.Table]) -> None:
    """Into a table of this transaction: rows are written once, as old ones, and not again by whoever reads them first."""
    names = SQL(", ").join(map(Identifier, ["_id", *columns]))
    command = SQL("COPY {} ({}) FROM STDIN (FORMAT csv, FREEZE)").format(target, names)
    cursor.copy_expert(command, CopyStream(rows), COPY_BYTES)


def _copy_with_text(
    cursor: Cursor, hidden: Identifier, table: pa.Table | Source, types: Mapping[str, str], language: str | None
) -> None:
    """By way of a temporary table: four times faster than CKAN's trigger on each row, and no dead rows are left."""
    cursor.execute(SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(STAGED, hidden))
    _copy(cursor, STAGED, table.schema.names, batches_of(table))
    names = SQL(", ").join(map(Identifier, types))
    cursor.execute(
        SQL("INSERT INTO {} (_id, _full_text, {}) SELECT _id, {}, {} FROM {}").format(
            hidden, names, text_of(types, language), names, STAGED
        )
    )
    cursor.execute(SQL("DROP TABLE {}").format(STAGED))


def switch(connection: Connection, prepared: Prepared) -> None:
    """Put the hidden table in the place of the resource's; its views (CKAN's aliases) are made again over the new one.

    No reader waits for it: the lock is taken in a moment when nobody reads. Only where there is no such moment for seconds
    we queue for it, in short attempts; psycopg2's LockNotAvailable when all of them failed. An index that is being made of
    the table is given up: its job is tried again, on the new table.
    """
    cursor = cursor_of(connection)
    final, hidden = Identifier(prepared.resource_id), Identifier(HIDDEN + prepared.resource_id)
    _lock(cursor, prepared.resource_id)
    aliases = _aliases(cursor, prepared.resource_id)
    cursor.execute(SQL("DROP TABLE IF EXISTS {} CASCADE").format(final))
    for kind, name in _dependents(cursor, prepared.resource_id):
        renamed = Identifier(name.removeprefix(HIDDEN))
        cursor.execute(SQL("ALTER {} {} RENAME TO {}").format(SQL(kind), Identifier(name), renamed))
    cursor.execute(SQL("ALTER TABLE {} RENAME TO {}").format(hidden, final))
    for alias in aliases:
        _alias(cursor, prepared.resource_id, alias)
    set_stats(cursor, prepared.resource_id, prepared.rows, prepared.sha256)


def name(connection: Connection, resource_id: str, alias: str) -> None:
    """Give a table another name, as CKAN does; nothing where there is no such table."""
    cursor = cursor_of(connection)
    if exists(cursor, resource_id):
        _alias(cursor, resource_id, alias)


def _alias(cursor: Cursor, resource_id: str, alias: str) -> None:
    cursor.execute(SQL("CREATE VIEW {} AS SELECT * FROM {}").format(Identifier(alias), Identifier(resource_id)))


def _lock(cursor: Cursor, resource_id: str) -> None:
    if not exists(cursor, resource_id):
        return
    table = Identifier(resource_id)
    for _ in range(LOCK_LOOKS):
        if _locked(cursor, SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE NOWAIT").format(table)):
            return
        cursor.execute(CANCEL_BUILDS, (f'"{resource_id}"',))
        time.sleep(LOCK_PAUSE)
    cursor.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(LOCK_TIMEOUT)))
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        if _locked(cursor, SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table), attempt == LOCK_ATTEMPTS):
            cursor.execute("SET LOCAL lock_timeout = 0")
            return
        time.sleep(0.1 * attempt)


def _locked(cursor: Cursor, statement: Composed, last: bool = False) -> bool:
    """Whether the lock could be had; LockNotAvailable when not, and it was the last attempt."""
    cursor.execute("SAVEPOINT kzopen_lock")
    try:
        cursor.execute(statement)
    except LockNotAvailable:
        if last:
            raise
        cursor.execute("ROLLBACK TO SAVEPOINT kzopen_lock")
        return False
    return True


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
    drop_unless(connection, resource_id, lambda _sha256: False)


def drop_unless(connection: Connection, resource_id: str, kept: Callable[[str | None], bool]) -> None:
    """Remove the resource's table and its hidden one, each unless the SHA-256 of the version it was loaded from is `kept`.

    A table is locked before it is looked at: one that takes its place meanwhile is judged, not the one that was there.
    """
    cursor = cursor_of(connection)
    for name in (resource_id, HIDDEN + resource_id):
        if _held(cursor, name):
            if kept(mark_of(cursor, name)):
                continue
            cursor.execute(SQL("DROP TABLE {} CASCADE").format(Identifier(name)))
        cursor.execute("DELETE FROM _table_stats WHERE resource_id = %s", (name,))


def _held(cursor: Cursor, table: str) -> bool:
    """Whether there is such a table; this transaction alone has it then, also where it took another's place just now."""
    cursor.execute(CANCEL_BUILDS, (f'"{table}"',))
    cursor.execute("SAVEPOINT kzopen_held")
    try:
        cursor.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(Identifier(table)))
    except UndefinedTable:
        cursor.execute("ROLLBACK TO SAVEPOINT kzopen_held")
        return False
    return True


def marks(connection: Connection, resource_id: str) -> list[str]:
    """The SHA-256 of the versions that the resource's tables hold, the hidden one too; "" for a table of unknown origin."""
    cursor = cursor_of(connection)
    found = []
    for name in (resource_id, HIDDEN + resource_id):
        if exists(cursor, name):
            found.append(mark_of(cursor, name) or "")
    return found


def mark(connection: Connection, resource_id: str) -> str | None:
    """The SHA-256 of the version that DataStore holds for the resource, not counted; None when it has no table of ours."""
    cursor = cursor_of(connection)
    return mark_of(cursor, resource_id) if exists(cursor, resource_id) else None


def loaded(connection: Connection, resource_id: str) -> Loaded | None:
    """What DataStore holds for the resource, counted; None when it has no table."""
    cursor = cursor_of(connection)
    if not exists(cursor, resource_id):
        return None
    cursor.execute(SQL("SELECT count(*) FROM {}").format(Identifier(resource_id)))
    (rows,) = cursor.fetchone()
    return Loaded(mark_of(cursor, resource_id), rows)

"""A change of the current version brought into DataStore's table row by row, instead of loading the table again.

Readers see the rows as they were until the commit, and nobody waits: only rows are locked.
"""

from __future__ import annotations

import pyarrow as pa
from ckanext.kzopen.rows import words
from ckanext.kzopen.rows.copying import CopyStream
from ckanext.kzopen.rows.sql import SQL, Cursor, Identifier, cursor_of, exists, mark_of, set_stats
from ckanext.kzopen.rows.store import PLACE
from psycopg2.sql import Literal
from sqlalchemy.engine import Connection

STAGED = Identifier("_kzopen_changes")


def change(connection: Connection, resource_id: str, changes: pa.Table, *, was: str, rows: int, sha256: str) -> bool:
    """Put the rows of `changes` under the numbers in their PLACE, and have `rows` rows then; in the caller's transaction.

    False, and nothing is done, when the table does not hold the version whose SHA-256 is `was`. Afterwards it counts as
    loaded from the version `sha256`.
    """
    cursor, table = cursor_of(connection), Identifier(resource_id)
    if not exists(cursor, resource_id):
        return False
    cursor.execute("SELECT FROM _table_stats WHERE resource_id = %s FOR UPDATE", (resource_id,))  # one writer at a time
    if mark_of(cursor, resource_id) != was:
        return False
    names = [name for name in changes.column_names if name != PLACE]
    _stage(cursor, table, changes.select([PLACE, *names]), names)
    # First what goes, then what changes: a row that moves into a hole brings its key along.
    cursor.execute(SQL("DELETE FROM {} WHERE _id > {}").format(table, Literal(rows)))
    _put(cursor, table, names)
    set_stats(cursor, resource_id, rows, sha256)
    return True


def _stage(cursor: Cursor, table: Identifier, changes: pa.Table, names: list[str]) -> None:
    columns = SQL(", ").join(map(Identifier, ["_id", *names]))
    cursor.execute(SQL("DROP TABLE IF EXISTS pg_temp.{}").format(STAGED))
    cursor.execute(SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0").format(STAGED, columns, table))
    cursor.copy_expert(SQL("COPY {} FROM STDIN (FORMAT csv)").format(STAGED), CopyStream([changes], numbered=False))
    cursor.execute(SQL("ANALYZE {}").format(STAGED))


def _put(cursor: Cursor, table: Identifier, names: list[str]) -> None:
    """The words of a row are worked out here: CKAN's trigger would do it four times slower."""
    columns = SQL(", ").join([*map(Identifier, names), SQL("_full_text")])
    values = SQL(", ").join([*(SQL("new.{}").format(Identifier(name)) for name in names), SQL("new._full_text")])
    source = SQL("(SELECT *, {} AS _full_text FROM {}) AS new").format(words.text_of(names, None), STAGED)
    cursor.execute(
        SQL("UPDATE {} AS old SET ({}) = ROW({}) FROM {} WHERE old._id = new._id").format(table, columns, values, source)
    )
    absent = SQL("NOT EXISTS (SELECT FROM {} old WHERE old._id = new._id)").format(table)
    insertion = SQL("INSERT INTO {} (_id, {}) SELECT _id, {} FROM {} WHERE {}")
    cursor.execute(insertion.format(table, columns, values, source, absent))

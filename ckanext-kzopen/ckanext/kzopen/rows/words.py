"""Full-text search of DataStore's tables: large tables are published before their words are in."""

from __future__ import annotations

from collections.abc import Iterable

import ckan.plugins.toolkit as tk
from ckanext.kzopen.rows import indexing
from ckanext.kzopen.rows.shapes import text_index
from ckanext.kzopen.rows.sql import SQL, Cursor, Identifier, cursor_of, exists, names
from psycopg2.sql import Composable, Literal
from sqlalchemy.engine import Connection, Engine

LONGEST_TEXT = 100_000
"""Letters of a row that are indexed: a tsvector holds 1 MB, a letter may take four bytes, and a word with hyphens is in it
twice."""
FILL_BATCH = 1_000
"""Rows whose words are worked out in one transaction: a delivery that changes one of them waits for its end."""


def text_of(columns: Iterable[str], language: str | None) -> Composable:
    """The words of a row; functions take at most 100 arguments and a tsvector at most 1 MB."""
    chosen = language or tk.config["ckan.datastore.default_fts_lang"]
    texts = [SQL("{}::text").format(Identifier(name)) for name in columns]
    parts = [SQL("concat_ws(' ', {})").format(SQL(", ").join(texts[n : n + 90])) for n in range(0, len(texts), 90)]
    whole = SQL(" || ' ' || ").join(parts) if parts else Literal("")
    return SQL("to_tsvector({}::regconfig, left({}, {}))").format(Literal(chosen), whole, Literal(LONGEST_TEXT))


def are_in(cursor: Cursor, resource_id: str) -> bool:
    """Whether `q` finds all rows of the resource's table: the index is made when all words are in."""
    return text_index(resource_id).name in indexing.usable(cursor, resource_id)


def are_in_table(connection: Connection, resource_id: str) -> bool:
    """`are_in` for those who have a connection."""
    return are_in(cursor_of(connection), resource_id)


def fill_full_text(engine: Engine, resource_id: str, language: str | None = None) -> int:
    """Fill `_full_text` where it is still empty, in short transactions, then index it; how many rows were filled.

    Safe to run again, and to run while versions are switched: each batch looks at the table as it is then. Nobody waits
    for the index: it is made beside readers and writers.
    """
    filled, last = 0, 0
    while True:
        with engine.begin() as connection:
            cursor = cursor_of(connection)
            batch = _next_batch(cursor, resource_id, last)
            if batch is None:
                break
            filled += _fill(cursor, resource_id, last, batch, language)
            last = batch
    _index(engine, resource_id)
    return filled


def take_in(engine: Engine, resource_id: str) -> None:
    """Take the words of rows that were changed into the index, beside which they lie; nobody waits for it."""
    with engine.begin() as connection:
        cursor = cursor_of(connection)
        if exists(cursor, resource_id) and are_in(cursor, resource_id):
            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", (f'"{text_index(resource_id).name}"',))


def _next_batch(cursor: Cursor, resource_id: str, last: int) -> int | None:
    """The number of the last row of the next batch; None when there is none (or no table any more)."""
    if not exists(cursor, resource_id):
        return None
    query = SQL("SELECT max(_id) FROM (SELECT _id FROM {} WHERE _id > %s ORDER BY _id LIMIT %s) AS batch")
    cursor.execute(query.format(Identifier(resource_id)), (last, FILL_BATCH))
    (number,) = cursor.fetchone()
    return number


def _fill(cursor: Cursor, resource_id: str, after: int, until: int, language: str | None) -> int:
    query = SQL("UPDATE {} SET _full_text = {} WHERE _id > {} AND _id <= {} AND _full_text IS NULL")
    words = text_of(names(cursor, resource_id), language)
    cursor.execute(query.format(Identifier(resource_id), words, Literal(after), Literal(until)))
    return cursor.rowcount


def _index(engine: Engine, resource_id: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        cursor = cursor_of(connection)
        if not exists(cursor, resource_id) or are_in(cursor, resource_id):
            return
        # First: with the index all is done, and nobody would come again after a death between the two.
        cursor.execute(SQL("ANALYZE {}").format(Identifier(resource_id)))
        indexing.build(cursor, resource_id, text_index(resource_id))

"""Search documents in PostgreSQL: the truth from which indexes are built; every change is told to the outbox.

Works in the transaction of whoever calls.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import repeat, takewhile
from typing import Any

import orjson
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.ahead import made_ahead
from ckanext.kzopen.core.outbox import Executor
from ckanext.kzopen.search import analysis, registry, topics
from ckanext.kzopen.search.document import Document
from ckanext.kzopen.search.engines.base import Entry
from psycopg2.extensions import BYTES, register_type
from sqlalchemy import Connection, text

_PUT = text(
    """
    INSERT INTO kzopen.search_document (key, site_id, entity_type, entity_id, name, stored, data_dict, validated_data_dict,
        fields, analysis, hash)
    VALUES (:key, :site_id, :entity_type, :entity_id, :name, CAST(:stored AS json), :data_dict, :validated_data_dict,
        CAST(:fields AS json), :analysis, :hash)
    ON CONFLICT (key) DO UPDATE SET site_id = excluded.site_id, entity_type = excluded.entity_type,
        entity_id = excluded.entity_id, name = excluded.name, stored = excluded.stored, data_dict = excluded.data_dict,
        validated_data_dict = excluded.validated_data_dict, fields = excluded.fields, analysis = excluded.analysis,
        hash = excluded.hash, changed = now()
    """
)
_REMOVE = text(
    """
    DELETE FROM kzopen.search_document
    WHERE site_id = :site_id AND entity_type = :entity_type AND (entity_id = :reference OR name = :reference) RETURNING key
    """
)
_CLEAR = text("DELETE FROM kzopen.search_document WHERE site_id = :site_id AND entity_type = 'package' RETURNING key")
_REMOVE_KEYS = text("DELETE FROM kzopen.search_document WHERE key = ANY (CAST(:keys AS text[])) RETURNING key")
_GET = text(
    """
    SELECT stored, data_dict, validated_data_dict FROM kzopen.search_document
    WHERE site_id = :site_id AND entity_type = :entity_type AND (entity_id = :reference OR name = :reference)
    ORDER BY entity_id = :reference DESC LIMIT 1
    """
)
_DATA_DICTS = text(
    """
    SELECT entity_id, data_dict FROM kzopen.search_document
    WHERE site_id = :site_id AND entity_type = 'package' AND entity_id = ANY (CAST(:ids AS text[]))
    """
)
_ENTRIES = "SELECT key, hash, fields::text, stored::text, validated_data_dict FROM kzopen.search_document"
_FETCHED = 200
"""Documents that are fetched at a time."""
_HASHES = text("SELECT key, hash FROM kzopen.search_document")
_COUNT = text("SELECT count(*) FROM kzopen.search_document")
_FIELDS = text(
    """
    SELECT fields FROM kzopen.search_document
    WHERE site_id = :site_id AND entity_type = :entity_type AND entity_id = :entity_id
    """
)
_REFERENCES = text(
    """
    SELECT entity_type, entity_id, key FROM kzopen.search_document WHERE site_id = :site_id AND entity_type <> 'package'
    """
)
_OUTDATED = text(
    """
    SELECT entity_type, entity_id FROM kzopen.search_document
    WHERE analysis <> :version AND NOT EXISTS (
        SELECT FROM kzopen.outbox_delivery d JOIN kzopen.outbox o ON o.id = d.outbox_id
        WHERE d.consumer = :consumer AND o.key IN (entity_id, entity_type || ':' || entity_id))
    """
)


def put(session: Executor, document: Document, quietly: bool = False) -> int:
    """Write the document; returns the number of the outbox row that tells the index, which is not woken if `quietly`."""
    values = dict(vars(document))
    for name in ("stored", "fields"):
        values[name] = json.dumps(values[name], ensure_ascii=False)
    session.execute(_PUT, values)
    return outbox.emit(session, topics.CHANGED, document.key, quietly=quietly)


def remove(session: Executor, site_id: str, entity_type: str, reference: str) -> list[int]:
    """Remove the document of an entity by its id or name; returns the numbers of outbox rows."""
    parameters = {"site_id": site_id, "entity_type": entity_type, "reference": reference}
    return _told(session, session.execute(_REMOVE, parameters).scalars())


def remove_keys(session: Executor, keys: Sequence[str]) -> list[int]:
    """Remove documents by key; returns the numbers of outbox rows."""
    return _told(session, session.execute(_REMOVE_KEYS, {"keys": list(keys)}).scalars())


def clear(session: Executor, site_id: str) -> list[int]:
    """Remove the documents of all data sets of a site; returns the numbers of outbox rows."""
    return _told(session, session.execute(_CLEAR, {"site_id": site_id}).scalars())


def _told(session: Executor, keys: Iterable[str]) -> list[int]:
    removed = list(keys)
    return outbox.emit_many(session, topics.CHANGED, removed) if removed else []


def get(session: Executor, site_id: str, entity_type: str, reference: str) -> dict[str, Any] | None:
    """The stored fields of an entity's document, with both package dicts as JSON text; None if there is none."""
    parameters = {"site_id": site_id, "entity_type": entity_type, "reference": reference}
    row = session.execute(_GET, parameters).one_or_none()
    if row is None:
        return None
    return {**row.stored, "data_dict": row.data_dict, "validated_data_dict": row.validated_data_dict}


def data_dicts(session: Executor, site_id: str, ids: Sequence[str]) -> dict[str, str]:
    """The package dicts that no schema has gone over, as JSON text by id."""
    found = session.execute(_DATA_DICTS, {"site_id": site_id, "ids": list(ids)})
    return {row.entity_id: row.data_dict for row in found if row.data_dict is not None}


def entries(connection: Connection, keys: Sequence[str]) -> Iterator[Entry]:
    """What the index takes of these documents; keys without a document are left out."""
    with _cursor(connection) as cursor:
        cursor.execute(f"{_ENTRIES} WHERE key = ANY (%s)", [list(keys)])
        return map(_entry, cursor.fetchall())


def all_entries(connection: Connection) -> Generator[Entry]:
    """What the index takes of every document, streamed, from one snapshot; PostgreSQL has the next ones ready meanwhile."""
    with _cursor(connection, "kzopen_documents") as cursor:
        cursor.execute(_ENTRIES)
        with closing(made_ahead(cursor.fetchmany, repeat(_FETCHED))) as fetched:
            for rows in takewhile(bool, fetched):
                yield from map(_entry, rows)


def count(connection: Executor) -> int:
    """The number of all documents."""
    return int(connection.execute(_COUNT).scalar_one())


def _cursor(connection: Connection, name: str | None = None) -> Any:
    """The driver's own cursor, in the same transaction; texts come as bytes, as engines take them. With a name, the server
    keeps the rows until they are asked for."""
    driver: Any = connection.connection.driver_connection
    cursor = driver.cursor(name)
    register_type(BYTES, cursor)
    return cursor


def _entry(row: tuple[bytes, int, bytes, bytes, bytes | None]) -> Entry:
    key, hash_, fields, stored, validated_data_dict = row
    return Entry(key.decode(), hash_, orjson.loads(fields), stored, validated_data_dict)


def tell_outdated(session: Executor) -> None:
    """Have documents computed anew whose tokens are of another version of the analysis."""
    parameters = {"version": analysis.VERSION, "consumer": topics.RECOMPUTE}
    outdated = session.execute(_OUTDATED, parameters).all()
    packages = [row.entity_id for row in outdated if row.entity_type == registry.PACKAGE]
    things = [registry.reference(*row) for row in outdated if row.entity_type != registry.PACKAGE]
    for topic, keys in ((topics.STALE, packages), (topics.STALE_THING, things)):
        if keys:
            outbox.emit_many(session, topic, keys)


def fields_of(session: Executor, site_id: str, entity_type: str, entity_id: str) -> dict[str, Any] | None:
    """What is indexed of a thing, as `IndexDocument`; None for one without a document."""
    parameters = {"site_id": site_id, "entity_type": entity_type, "entity_id": entity_id}
    found: dict[str, Any] | None = session.execute(_FIELDS, parameters).scalar()
    return found


def references(connection: Executor, site_id: str) -> dict[str, str]:
    """The keys of the documents of all sections but data sets, by kind and id."""
    rows = connection.execute(_REFERENCES, {"site_id": site_id})
    return {registry.reference(row.entity_type, row.entity_id): row.key for row in rows}


def hashes(connection: Executor) -> dict[str, int]:
    """The content hash of every document by key."""
    return {row.key: row.hash for row in connection.execute(_HASHES)}

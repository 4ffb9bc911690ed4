"""Keeping DataStore at the current version of every table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.datastore.backend.postgres import get_write_engine
from ckanext.kzopen.rows import datastore, words
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import table_of
from sqlalchemy import select, text
from sqlalchemy.orm import Session

# Tables of ours whose rows `q` cannot find yet: loaded without the index that is made when all words are in.
WITHOUT_WORDS = text(
    "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND obj_description(c.oid) LIKE '{\"kzopen\"%' "
    "AND NOT starts_with(c.relname, '_') AND NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a "
    "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisvalid "
    "AND a.attname = '_full_text') "
    "ORDER BY c.relname"
)


ONE_AT_A_TIME = text("SELECT pg_try_advisory_lock(hashtextextended('kzopen.rows.fill_words', 0))")


@dataclass(frozen=True)
class Astray:
    """A resource whose DataStore table is not the current version; `rows` is None when there is no table."""

    uri: str
    number: int
    resource_id: str
    wanted: int
    rows: int | None


def current_versions(session: Session) -> list[Version]:
    """The newest version of every data set that has a resource; withdrawn ones do not count."""
    readable = Version.resource_id.is_not(None), Version.withdrawn.is_(None), Version.thinned.is_(None)
    newest = select(Version).where(*readable).distinct(Version.package_id)
    return list(session.scalars(newest.order_by(Version.package_id, Version.number.desc())))


def astray(session: Session) -> Iterator[Astray]:
    """The resources that DataStore does not show as their current version says, by checksum and count."""
    with get_write_engine().connect() as connection:
        for version in current_versions(session):
            assert version.resource_id is not None  # noqa: S101 (selected so)
            found = datastore.loaded(connection, version.resource_id)
            if found != datastore.Loaded(version.sha256, version.rows):
                rows = found.rows if found else None
                yield Astray(version.uri, version.number, version.resource_id, version.rows, rows)


def reload(version: Version) -> datastore.Prepared:
    """Load DataStore's table of the version's resource anew from the version's files."""
    if version.resource_id is None:
        raise ValueError(f"version {version.number} of {version.uri} has no resource")
    table = table_of(model.Session(), tk.config["kzopen.files_url"], version)
    with get_write_engine().begin() as connection:
        return datastore.load(connection, version.resource_id, table, sha256=version.sha256, schema=version.schema)


def fill_words() -> int:
    """Fill full-text search of the tables that wait for it; how many rows. One process does it at a time."""
    engine = get_write_engine()
    with engine.connect() as connection:
        if not connection.scalar(ONE_AT_A_TIME):
            return 0
        # The lock belongs to the connection and goes with it, however this ends.
        try:
            return sum(datastore.fill_full_text(engine, resource_id) for resource_id in without_words())
        finally:
            connection.invalidate()


def take_in_words(version: Version) -> None:
    """Let `q` find what the last changes of a table brought as fast as the rest."""
    if version.resource_id is not None:
        words.take_in(get_write_engine(), version.resource_id)


def without_words() -> list[str]:
    """Resources whose rows are not in full-text search yet."""
    with get_write_engine().connect() as connection:
        return list(connection.scalars(WITHOUT_WORDS))

"""Keeping DataStore at the current version of every table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.datastore.backend.postgres import get_write_engine
from ckanext.kzopen.rows import comparing, datastore, described, dictionary, indexing, whole, words
from ckanext.kzopen.rows.chain import NoWay
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import table_of
from ckanext.kzopen.rows.sql import cursor_of
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


class NoVersion(LookupError):
    """These data sets have no current version in DataStore."""


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


def changed(session: Session, uris: Collection[str] = ()) -> Iterator[tuple[Version, comparing.Difference | None]]:
    """Every current version (of `uris`, where some are named) with what DataStore's table has otherwise, cell by cell.

    Raises NoVersion with those of `uris` that have no current version.
    """
    wanted = [version for version in current_versions(session) if not uris or version.uri in uris]
    if unknown := sorted(set(uris) - {version.uri for version in wanted}):
        raise NoVersion(", ".join(unknown))
    for version in wanted:
        yield version, _difference(session, version)


def summed(session: Session, uris: Collection[str] = ()) -> Iterator[tuple[Version, bool | None]]:
    """Of every table (of `uris`, where some are named) the newest version whose rows have a SHA-256, and whether they still
    give it; None when its files are missing."""
    readable = Version.rows_sha256.is_not(None), Version.withdrawn.is_(None), Version.thinned.is_(None)
    newest = select(Version).where(*readable).distinct(Version.package_id)
    for version in session.scalars(newest.order_by(Version.package_id, Version.number.desc())).all():
        if not uris or version.uri in uris:
            yield version, _is_as_summed(session, version)


def _is_as_summed(session: Session, version: Version) -> bool | None:
    try:
        table = table_of(session, tk.config["kzopen.files_url"], version)
        return whole.sha256_of_rows(version, table) == version.rows_sha256
    except (NoWay, FileNotFoundError):
        return None


def _difference(session: Session, version: Version) -> comparing.Difference | None:
    engine, resource_id = get_write_engine(), str(version.resource_id)
    try:
        table = table_of(session, tk.config["kzopen.files_url"], version)
        return comparing.difference(engine, resource_id, table, version.sha256, version.schema)
    except (NoWay, FileNotFoundError):
        return comparing.Difference(0, None, files=True)


def mislabelled(session: Session) -> Iterator[str]:
    """The data sets whose columns DataStore tells otherwise than their passports do."""
    versions = current_versions(session)
    today = described.schemas_of(session, versions)
    schemas = {str(version.resource_id): today[version.package_id] for version in versions}
    with get_write_engine().connect() as connection:
        outdated = dictionary.outdated(connection, schemas)
    yield from (version.uri for version in versions if version.resource_id in outdated)


def misindexed(session: Session) -> Iterator[tuple[str, str]]:
    """The data sets with a column that is marked as looked up and has no index yet, or has one unmarked: name, column."""
    versions = current_versions(session)
    today = described.today(session, versions)
    with get_write_engine().connect() as connection:
        cursor = cursor_of(connection)
        for version in versions:
            missing, left = indexing.amiss(cursor, str(version.resource_id), today.get(version.package_id, {}))
            yield from ((version.uri, index.fields[0]) for index in missing + left)


def has_indexes(version: Version, schema: Mapping[str, Any]) -> bool:
    """Whether just the columns that the schema marks as looked up have an index in the table of the current version."""
    with get_write_engine().connect() as connection:
        return not any(indexing.amiss(cursor_of(connection), str(version.resource_id), schema))


def make_indexes(session: Session, version: Version) -> None:
    """Make those that are missing, and remove those of columns whose mark was taken away."""
    schema = described.today(session, [version]).get(version.package_id)
    if schema is not None:
        indexing.make(get_write_engine(), str(version.resource_id), schema)


def reload(version: Version) -> datastore.Prepared:
    """Load DataStore's table of the version's resource anew from the version's files."""
    if version.resource_id is None:
        raise ValueError(f"version {version.number} of {version.uri} has no resource")
    table = table_of(model.Session(), tk.config["kzopen.files_url"], version)
    schema = described.schema_of(model.Session(), version)
    with get_write_engine().begin() as connection:
        return datastore.load(connection, version.resource_id, table, sha256=version.sha256, schema=schema)


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

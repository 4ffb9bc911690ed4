"""Shorter ways to versions: many changes in one file, or the whole table anew. Nobody waits for it, neither who writes nor
who reads: files are only added, and the row that names one is committed when the file is on the disk.

A death leaves a file that nothing names (`store.leftovers`); the next change of the table starts the folding again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ckanext.kzopen.core import jobs
from ckanext.kzopen.rows import chain
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.chain import Link
from ckanext.kzopen.rows.model import TableFile, Version
from sqlalchemy import select
from sqlalchemy.orm import Session

# pyarrow and polars stay out of the web processes, which only defer this work.
if TYPE_CHECKING:
    from ckanext.kzopen.rows.store import StoredVersion

TASK = "rows.fold"
PAUSE = timedelta(seconds=3)
DERIVED_ROWS = 20_000
"""Of smaller tables no DuckDB file is made: they are read from Parquet as fast."""


def defer(session: Session, package_id: str) -> None:
    """Let the worker fold a table PAUSE after the caller's commit, once however often it is asked.

    By then the delivery has left the memory that it needed, and changes that come one after the other are folded together.
    """
    key = f"fold:{package_id}"
    jobs.defer(session, TASK, lock=key, queueing_lock=key, at=datetime.now(UTC) + PAUSE, package=package_id)


def fold(session: Session, files_url: str, package_id: str) -> int:
    """Make what shortens the way to the newest version, until nothing does; how many files were made. Commits."""
    made = 0
    while (version := newest(session, package_id)) is not None:
        links = versions.way_to(session, version)
        wanted = chain.fold(links, version.rows)
        if wanted is None or not make(session, files_url, version.package_id, *wanted, links):
            break
        made += 1
    return made


def newest(session: Session, package_id: str) -> Version | None:
    """The current version of a data set by its id."""
    readable = Version.package_id == package_id, Version.withdrawn.is_(None), Version.thinned.is_(None)
    return session.scalars(select(Version).where(*readable).order_by(Version.number.desc()).limit(1)).first()


def make(session: Session, files_url: str, package_id: str, since: int | None, number: int, links: Iterable[Link]) -> bool:
    """Write the file that makes version `number` out of version `since` (None: whole) from others, and commit its row.

    False when there is one already, or one of the two versions was withdrawn meanwhile; then nothing is left behind.
    """
    from ckanext.kzopen.rows import store

    version = _version(session, package_id, number)
    session.rollback()  # no transaction stays open while files are written
    stored, rows_sha256 = _written(files_url, version, since, list(links))
    versions.lock(session, package_id)
    ends = select(Version.number).where(
        Version.package_id == package_id, Version.number.in_([number, since]), Version.withdrawn.is_(None)
    )
    there = {number, since} - {None} <= set(session.scalars(ends))
    same = TableFile.since.is_(None) if since is None else TableFile.since == since
    known = session.scalars(
        select(TableFile.path).where(TableFile.package_id == package_id, TableFile.number == number, same)
    ).first()
    if not there or known:
        session.rollback()
        if known != stored.path:
            store.delete(files_url, stored.path)
        return False
    versions.add_file(session, package_id, since, number, stored)
    if rows_sha256:
        _version(session, package_id, number).rows_sha256 = rows_sha256
    session.commit()
    return True


def _version(session: Session, package_id: str, number: int) -> Version:
    return session.scalars(select(Version).where(Version.package_id == package_id, Version.number == number)).one()


def _written(files_url: str, version: Version, since: int | None, links: list[Link]) -> tuple[StoredVersion, str | None]:
    """The file, and of a whole table the SHA-256 over its rows."""
    from ckanext.kzopen.rows import reading, store, whole

    if since is None:
        return whole.write(files_url, version, reading.Table(files_url, tuple(links), version.rows))
    run = chain.between(links, since, version.number) or []
    changes = reading.latest([store.read_version(files_url, link.path) for link in run], version.rows)
    return store.write_changes(files_url, version.uri, since, version.number, changes), None


def release(session: Session, files_url: str, package_id: str, gone: set[int]) -> None:
    """Make other ways to all versions that stay, so that no file from or to those in `gone` is needed; commits."""
    links = versions.links(session, package_id)
    kept = sorted(chain.reachable(links) - gone)
    for number in kept:
        rest = chain.without(links, gone)
        if number in chain.reachable(rest):
            continue
        make(session, files_url, package_id, *_detour(links, rest, number))
        links = versions.links(session, package_id)


def _detour(links: list[Link], rest: list[Link], number: int) -> tuple[int | None, int, list[Link]]:
    """From the nearest earlier version that stays, if changes lead from there; else the whole table."""
    for earlier in sorted((found for found in chain.reachable(rest) if found < number), reverse=True):
        run = chain.between(links, earlier, number)
        if run:
            return earlier, number, run
    return None, number, chain.way(links, number)


def forget(session: Session, files_url: str, package_id: str, gone: set[int]) -> None:
    """Delete the files from and to the versions in `gone`; first what names them, so that nobody looks for them; commits."""
    from ckanext.kzopen.rows import store

    touching = TableFile.number.in_(gone) | TableFile.since.in_(gone)
    files = list(session.scalars(select(TableFile).where(TableFile.package_id == package_id, touching)))
    found = [file.path for file in files]
    for file in files:
        session.delete(file)
    session.commit()
    for path in found:
        store.delete(files_url, path)

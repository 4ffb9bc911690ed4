"""The numbered versions of each data set's table: the truth about which file holds which rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ckanext.kzopen.core.db import Base
from ckanext.kzopen.rows.chain import Link, way
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Identity,
    Integer,
    Select,
    Text,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

XLSX_ROWS = 1_048_575
"""Rows of a version that fit in a sheet of a workbook, under its header."""


class Version(Base):
    """Version `number` of the table of one data set; never changed, but for being withdrawn or thinned out.

    A whole version is told by the `sha256` of its file. One that is a change of its `parent` has that of the change in
    `change_sha256`, and its `sha256` is over both (`chain.chained`). `path` is the file that was written for it; from which
    files it is read is told by `TableFile`. `rows_sha256` is over its rows, and known once they were read in a folding.
    DataStore, the DuckDB file and exports are derived from it.
    """

    __tablename__ = "version"
    __table_args__ = (UniqueConstraint("package_id", "number"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    package_id: Mapped[str] = mapped_column(Text)
    resource_id: Mapped[str | None] = mapped_column(Text)
    uri: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    delivery_id: Mapped[str | None] = mapped_column(Text, unique=True)
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    schema: Mapped[dict[str, Any]] = mapped_column(JSONB)
    difference: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    parent: Mapped[int | None] = mapped_column(Integer)
    change_sha256: Mapped[str | None] = mapped_column(Text)
    rows_sha256: Mapped[str | None] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    withdrawn: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    thinned: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TableFile(Base):
    """A stored file that makes version `number` out of version `since`, or out of nothing (`rows.chain.Link`)."""

    __tablename__ = "version_file"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    package_id: Mapped[str] = mapped_column(Text)
    since: Mapped[int | None] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    path: Mapped[str] = mapped_column(Text, unique=True)
    sha256: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


def links(session: Session, package_id: str, until: int | None = None) -> list[Link]:
    """The files of a data set: all, or those that can lead to version `until`, from the newest whole table before it on."""
    wanted = select(TableFile).where(TableFile.package_id == package_id)
    if until is not None:
        whole = select(func.max(TableFile.number)).where(
            TableFile.package_id == package_id, TableFile.since.is_(None), TableFile.number <= until
        )
        wanted = wanted.where(TableFile.number <= until, TableFile.number >= whole.scalar_subquery())
    found = session.scalars(wanted.order_by(TableFile.number))
    return [Link(file.since, file.number, file.path, file.rows, file.sha256, file.size) for file in found]


def way_to(session: Session, version: Version) -> list[Link]:
    """The files from which the version is read, the whole one first; `chain.NoWay` when it cannot be read any more."""
    return way(links(session, version.package_id, version.number), version.number)


def paths(session: Session) -> set[str]:
    """All stored files that something names."""
    return set(session.scalars(select(TableFile.path)))


def add_file(session: Session, package_id: str, since: int | None, number: int, stored: Any) -> None:
    """Make a stored file (`store.StoredVersion`) known, in the caller's transaction."""
    told = {"path": stored.path, "sha256": stored.sha256, "size": stored.size, "rows": stored.rows}
    session.add(TableFile(package_id=package_id, since=since, number=number, **told))


def _readable(of: ColumnElement[bool]) -> Select[tuple[Version]]:
    """The versions of a data set that may be given out: those that were neither withdrawn nor thinned out."""
    return select(Version).where(of, Version.withdrawn.is_(None), Version.thinned.is_(None))


def _newest(session: Session, of: ColumnElement[bool]) -> Version | None:
    return session.scalars(_readable(of).order_by(Version.number.desc()).limit(1)).first()


def latest(session: Session, uri: str) -> Version | None:
    """The newest version of the data set `uri`, or None when nothing has been published, or all of it was withdrawn."""
    return _newest(session, Version.uri == uri)


def of_resource(session: Session, resource_id: str) -> Version | None:
    """The newest version of the table behind a resource of CKAN, as `latest`."""
    return _newest(session, Version.resource_id == resource_id)


def is_published(session: Session, resource_id: str) -> bool:
    """Whether a table has versions, withdrawn ones too."""
    return session.scalar(select(Version.id).where(Version.resource_id == resource_id).limit(1)) is not None


def numbered(session: Session, uri: str, number: int) -> Version | None:
    """Version `number` of the data set `uri`, or None."""
    return session.scalars(_readable(Version.uri == uri).where(Version.number == number)).first()


def withdrawn(session: Session, uri: str, number: int | None = None) -> Version | None:
    """What is left of a withdrawn version, of the newest one without a number; None when none was withdrawn."""
    wanted = select(Version).where(Version.uri == uri, Version.withdrawn.is_not(None))
    if number is not None:
        wanted = wanted.where(Version.number == number)
    return session.scalars(wanted.order_by(Version.number.desc()).limit(1)).first()


def all_of(session: Session, uri: str) -> list[Version]:
    """All versions of the data set `uri` that can be read, newest first."""
    return list(session.scalars(_readable(Version.uri == uri).order_by(Version.number.desc())))


def thinned(session: Session, uri: str) -> list[Version]:
    """The versions that were thinned out, newest first: the history shows them, their rows are not kept."""
    gone = select(Version).where(Version.uri == uri, Version.thinned.is_not(None), Version.withdrawn.is_(None))
    return list(session.scalars(gone.order_by(Version.number.desc())))


def made_by(session: Session, delivery_id: str) -> Version | None:
    """The version that a delivery made, or None when it made none or that one was withdrawn."""
    wanted = select(Version).where(Version.delivery_id == delivery_id, Version.withdrawn.is_(None))
    return session.scalars(wanted).first()


def lock(session: Session, package_id: str) -> None:
    """Let nobody publish to the data set or withdraw it or a version of it until the caller's transaction ends."""
    session.execute(text("SELECT 1 FROM package WHERE id = :id FOR NO KEY UPDATE"), {"id": package_id})


def next_number(session: Session, package_id: str) -> int:
    """The number that the next version of a data set gets, from 1; numbers of withdrawn versions are not given again.

    The caller holds the data set's job lock; without it two callers get one number and the second insert fails.
    """
    newest = session.scalar(select(func.max(Version.number)).where(Version.package_id == package_id))
    return (newest or 0) + 1

"""The numbered versions of each data set's table: the truth about which file holds which rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, Identity, Integer, Select, Text, UniqueConstraint, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column


class Version(Base):
    """Version `number` of the table of one data set; never changed, but for being withdrawn (`rows.withdrawal`).

    The file at `path` is told by its `sha256`; DataStore and exports are derived from it (`rows.datastore.reload`).
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
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    withdrawn: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def _readable(uri: str) -> Select[tuple[Version]]:
    """The versions of a data set that may be given out: those that were not withdrawn."""
    return select(Version).where(Version.uri == uri, Version.withdrawn.is_(None))


def latest(session: Session, uri: str) -> Version | None:
    """The newest version of the data set `uri`, or None when nothing has been published, or all of it was withdrawn."""
    return session.scalars(_readable(uri).order_by(Version.number.desc()).limit(1)).first()


def numbered(session: Session, uri: str, number: int) -> Version | None:
    """Version `number` of the data set `uri`, or None."""
    return session.scalars(_readable(uri).where(Version.number == number)).first()


def withdrawn(session: Session, uri: str, number: int | None = None) -> Version | None:
    """What is left of a withdrawn version, of the newest one without a number; None when none was withdrawn."""
    wanted = select(Version).where(Version.uri == uri, Version.withdrawn.is_not(None))
    if number is not None:
        wanted = wanted.where(Version.number == number)
    return session.scalars(wanted.order_by(Version.number.desc()).limit(1)).first()


def all_of(session: Session, uri: str) -> list[Version]:
    """All versions of the data set `uri` that were not withdrawn, newest first."""
    return list(session.scalars(_readable(uri).order_by(Version.number.desc())))


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

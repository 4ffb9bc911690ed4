"""The numbered versions of each data set's table: the truth about which file holds which rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, Identity, Integer, Text, UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column


class Version(Base):
    """Version `number` of the table of one data set; rows of this table are never changed.

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


def latest(session: Session, uri: str) -> Version | None:
    """The newest version of the data set `uri`, or None when nothing has been published."""
    return session.scalars(select(Version).where(Version.uri == uri).order_by(Version.number.desc()).limit(1)).first()


def numbered(session: Session, uri: str, number: int) -> Version | None:
    """Version `number` of the data set `uri`, or None."""
    return session.scalars(select(Version).where(Version.uri == uri, Version.number == number)).first()


def all_of(session: Session, uri: str) -> list[Version]:
    """All versions of the data set `uri`, newest first."""
    return list(session.scalars(select(Version).where(Version.uri == uri).order_by(Version.number.desc())))


def made_by(session: Session, delivery_id: str) -> Version | None:
    """The version that a delivery made, or None: asked before a repeated job makes it a second time."""
    return session.scalars(select(Version).where(Version.delivery_id == delivery_id)).first()


def next_number(session: Session, package_id: str) -> int:
    """The number that the next version of a data set gets, from 1.

    The caller holds the data set's job lock; without it two callers get one number and the second insert fails.
    """
    newest = session.scalar(select(func.max(Version.number)).where(Version.package_id == package_id))
    return (newest or 0) + 1

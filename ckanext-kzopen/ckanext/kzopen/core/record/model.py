"""The tables of the event log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, Identity, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column


class Event(Base):
    """One thing that happened to one object. Rows are never changed: the database refuses it (migration 0002).

    `agency` is the one for which it was done, `in_place_of` the person for whom a substitute acted.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("event_object", "kind", "object_id", "id"),
        Index("event_actor", "actor", "id"),
        Index("event_agency", "agency", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    actor: Mapped[str | None] = mapped_column(Text)
    in_place_of: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(INET)
    agency: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    object_id: Mapped[str] = mapped_column(Text)
    verb: Mapped[str] = mapped_column(Text)
    old: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    new: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)


class DeletedEvent(Base):
    """An event that a rule of keeping has deleted: its number and the hash of its line."""

    __tablename__ = "event_deleted"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

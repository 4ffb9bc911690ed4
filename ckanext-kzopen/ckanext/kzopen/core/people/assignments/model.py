"""Tables: who holds which role where, what CKAN was told because of it, who substitutes whom."""

from __future__ import annotations

from datetime import datetime

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, Identity, Text, func
from sqlalchemy.orm import Mapped, mapped_column


class AssignmentRow(Base):
    """A person holds a role in an agency (None = in the whole portal) from `since` until `until` (exclusive)."""

    __tablename__ = "assignment"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    person: Mapped[str] = mapped_column(Text)
    agency: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    assigned_by: Mapped[str | None] = mapped_column(Text)
    ended_by: Mapped[str | None] = mapped_column(Text)


class Membership(Base):
    """The role in CKAN's organisation that a person was given because of assignments.

    While CKAN's own table says the same, the assignments decide; where it says something else, somebody changed it through
    CKAN's pages or API, and CKAN's word stands.
    """

    __tablename__ = "membership"

    person: Mapped[str] = mapped_column(Text, primary_key=True)
    agency: Mapped[str] = mapped_column(Text, primary_key=True)
    capacity: Mapped[str] = mapped_column(Text)


class Delegation(Base):
    """`substitute` acts with the rights of `absent`'s role from `since` until `until` (exclusive), unless it was revoked."""

    __tablename__ = "delegation"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    absent: Mapped[str] = mapped_column(Text)
    substitute: Mapped[str] = mapped_column(Text)
    agency: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    delegated_by: Mapped[str] = mapped_column(Text)
    delegated: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    revoked: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_by: Mapped[str | None] = mapped_column(Text)

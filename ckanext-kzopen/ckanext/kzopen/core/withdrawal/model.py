"""The table of tombstones."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from ckanext.kzopen.core.db import Base
from ckanext.kzopen.core.withdrawal.things import Thing
from sqlalchemy import DateTime, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column


class Withdrawal(Base):
    """The tombstone of one thing: what stays when it is gone. `state` is changed by `core.states.change` only.

    `name` is the word by which addresses call the thing; `title` is there only when the order said that it may stay.
    `public` tells whether everyone could see the thing: only then everyone is told that it was withdrawn. `out_of` holds for
    each place the moment at which the thing was found to be out of it.
    """

    __tablename__ = "withdrawal"
    __table_args__ = (UniqueConstraint("kind", "object_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(Text)
    object_id: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    agency: Mapped[str | None] = mapped_column(Text)
    parts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    public: Mapped[bool]
    state: Mapped[str] = mapped_column(Text)
    title: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[dict[str, str]] = mapped_column(JSONB)
    law: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    out_of: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    complete: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def thing(self) -> Thing:
        """What was withdrawn, as the places know it."""
        return Thing(self.kind, self.object_id, self.name, self.agency, self.title or {}, self.public, self.parts)

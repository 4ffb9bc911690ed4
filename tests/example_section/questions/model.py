"""The table of questions."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from ckanext.kzopen.core.db import Base
from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column


class Question(Base):
    """What somebody asks an agency; `state` is changed by `core.states` only."""

    __tablename__ = "example_question"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    state: Mapped[str] = mapped_column(Text)
    agency_id: Mapped[str] = mapped_column(Text)
    asker: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    asked: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))

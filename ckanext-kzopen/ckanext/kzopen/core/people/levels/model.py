"""The table of confirmed levels."""

from __future__ import annotations

from datetime import datetime

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, Identity, Text, func
from sqlalchemy.orm import Mapped, mapped_column


class IdentityLevel(Base):
    """A level of one person: by whom it was confirmed, from when until when; `ended` is when somebody took it back.

    Of an IIN there are `number_hash`, under the portal's key, and its last four digits; a BIN is public: `organisation`.
    """

    __tablename__ = "identity_level"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    number_hash: Mapped[str | None] = mapped_column(Text)
    number_end: Mapped[str | None] = mapped_column(Text)
    organisation: Mapped[str | None] = mapped_column(Text)

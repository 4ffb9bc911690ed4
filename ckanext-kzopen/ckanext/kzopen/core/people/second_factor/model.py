"""The tables of second factors."""

from __future__ import annotations

from datetime import datetime

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, Text, func
from sqlalchemy.orm import Mapped, mapped_column


class SecondFactor(Base):
    """The application of one person: its secret, encrypted under the portal's key, and the last step that was used."""

    __tablename__ = "second_factor"

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    secret: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    last_step: Mapped[int] = mapped_column(BigInteger)


class RecoveryCode(Base):
    """One code for a lost device; only its hash is kept."""

    __tablename__ = "recovery_code"

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    used: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

"""The tables of outgoing mail and of addresses that take none."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, FetchedValue, Identity, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column


class Mail(Base):
    """One mail to one address. `key` makes its Message-ID, the same at each try; `about` names what it tells of.

    States: queued → sending → sent | refused (by a mail server, for good) | given_up (tried too often) | stopped (withdrawn,
    out of date, or its address is dead). `sending` is written before the mail server is given the text.
    Subject and text are erased at the end, because they may hold a confirmation link.
    """

    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[UUID] = mapped_column(server_default=FetchedValue())
    state: Mapped[str] = mapped_column(Text, default="queued")
    template: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    person: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    unsubscribe: Mapped[str | None] = mapped_column(Text)
    once: Mapped[str | None] = mapped_column(Text, unique=True)
    about: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    next_try: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    error: Mapped[str | None] = mapped_column(Text)


class DeadAddress(Base):
    """An address whose mail server said that it takes no mail, and what it said; in the form of `addresses.same`."""

    __tablename__ = "dead_address"

    address: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    reason: Mapped[str] = mapped_column(Text)

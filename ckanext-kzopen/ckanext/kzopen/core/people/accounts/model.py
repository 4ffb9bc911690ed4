"""The tables of accounts, beside CKAN's `user`."""

from __future__ import annotations

from datetime import datetime

from ckanext.kzopen.core.db import Base
from sqlalchemy import DateTime, Text
from sqlalchemy.orm import Mapped, mapped_column


class Account(Base):
    """What CKAN does not know of an account: the language of its mails, and since when its e-mail is confirmed."""

    __tablename__ = "account"

    user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    language: Mapped[str] = mapped_column(Text)
    email_confirmed: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Link(Base):
    """A link that was mailed and waits: its token's hash, what it is for, to whom it went, until when it works."""

    __tablename__ = "link"

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    user_id: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    fullname: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    expires: Mapped[datetime] = mapped_column(DateTime(timezone=True))

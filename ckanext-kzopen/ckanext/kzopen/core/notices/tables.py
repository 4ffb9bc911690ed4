"""The tables of subscriptions, of what happened, and of who was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, FetchedValue, ForeignKey, Identity, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSQUERY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column


class Subscription(Base):
    """`reader` follows `what` (a thing, agency, section, kind, words, search) called `target`.

    `how` is at_once or daily (by mail), or feed (in the portal and by Atom only). The row `personal` says how a person is
    told of what concerns them without following it. Without `confirmed` nobody is told anything. With a search is kept what it
    `demands` of things, by which `meaning` of its address; see `searches`.
    """

    __tablename__ = "subscription"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    reader: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    how: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    query: Mapped[Any | None] = mapped_column(TSQUERY)
    confirmed: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    demands: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger), deferred=True)
    demands_2: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger), deferred=True)
    demands_3: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger), deferred=True)
    meaning: Mapped[int | None] = mapped_column(BigInteger, deferred=True)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())


class News(Base):
    """Something happened to `about` (`package:<id>`): once for each `key`. `agencies` is whose it is, then those above."""

    __tablename__ = "news"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    agencies: Mapped[list[str]] = mapped_column(ARRAY(Text))
    section: Mapped[str | None] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    words: Mapped[Any] = mapped_column(TSVECTOR)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    withdrawn: Mapped[str | None] = mapped_column(Text)


class Notice(Base):
    """One reader is told of one piece of news; `mailed` is the `once` of the mail that tells it.

    `language` is that of the page where the reader followed; a mail to an account is in the account's language of mails.
    """

    __tablename__ = "notice"

    news: Mapped[int] = mapped_column(ForeignKey("kzopen.news.id"), primary_key=True)
    reader: Mapped[str] = mapped_column(Text, primary_key=True)
    how: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    subscription: Mapped[int | None] = mapped_column(BigInteger)
    mailed: Mapped[str | None] = mapped_column(Text)
    seen: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Feed(Base):
    """The personal feed of a reader; a new generation gives it a new address, and the old one leads nowhere."""

    __tablename__ = "notice_feed"

    reader: Mapped[str] = mapped_column(Text, primary_key=True)
    generation: Mapped[int] = mapped_column(Integer, default=1)

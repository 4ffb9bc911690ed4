"""The tables of the public record; `node` is written by the database alone (migration 0004)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column


class Leaf(Base):
    """One recorded thing. `index` is its place in the log, given at the commit; `record` is told as RFC 8785 text.

    Text and nonce may be erased by order, with the reason in `erased`; the hash stays, and with it the tree.
    """

    __tablename__ = "leaf"
    __table_args__ = (Index("leaf_object", "kind", "object_id", "index"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    index: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    object_id: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    record: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    erased: Mapped[str | None] = mapped_column(Text)


class Node(Base):
    """The hash over leaves `index * 2**level` to `(index + 1) * 2**level`, all of which exist."""

    __tablename__ = "node"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Key(Base):
    """A public key (Ed25519, 32 bytes); `id` is its SHA-256; `until` is None for the one in use.

    `statement` is what the key and the one before it have signed: see `keys`.
    """

    __tablename__ = "key"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    public: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    statement: Mapped[dict[str, Any]] = mapped_column(JSON)


class Head(Base):
    """The root of the first `size` leaves, signed by a key at a moment."""

    __tablename__ = "head"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    key: Mapped[str] = mapped_column(ForeignKey("kzopen.key.id"))
    signature: Mapped[bytes] = mapped_column(LargeBinary)

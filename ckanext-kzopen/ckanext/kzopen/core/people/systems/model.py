"""The tables of information systems and their tokens; a token itself is kept nowhere, only its SHA-256."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from ckanext.kzopen.core.db import Base
from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY, INET
from sqlalchemy.orm import Mapped, Session, mapped_column, scoped_session

AnySession = Session | scoped_session[Any]
ACTOR = "agency-system:"
"""How an information system is named where a person would be named by the id of an account."""
MODES = ("replace", "append", "upsert", "delete")
"""By which a system may send rows."""
PASSPORT = "passport"
EVERYTHING = (*MODES, PASSPORT)
"""What a token may let its system change; one with none of these only reads."""


class System(Base):
    """An information system of an agency. `datasets` are the ids of those that it may change; None = all of the agency's.

    `bin` is the number of the organisation that owns the system; `contact` a unit's name, `email` its address: no person's.
    """

    __tablename__ = "information_system"
    __table_args__ = (Index("information_system_agency", "agency_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    agency_id: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    bin: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    datasets: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    closed: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Token(Base):
    """A token of a system, known by its SHA-256 and told by its first characters (`hint`).

    It is valid from `created` to before `expires` unless `revoked`; from the networks in `addresses`, else from any.
    `may` holds those of EVERYTHING that it lets the system do. `successor` took its place by rotation. `last_used` is renewed
    every few minutes, not at each request. `request` is the key of the form that asked for it, so that the form sent twice
    makes one token.
    """

    __tablename__ = "system_token"
    __table_args__ = (Index("system_token_system", "system_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    system_id: Mapped[UUID] = mapped_column(ForeignKey("kzopen.information_system.id"))
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str] = mapped_column(Text)
    addresses: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    may: Mapped[list[str]] = mapped_column(ARRAY(Text), default=lambda: list(EVERYTHING))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    successor: Mapped[UUID | None] = mapped_column(ForeignKey("kzopen.system_token.id"))
    last_used: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_address: Mapped[str | None] = mapped_column(INET)
    refused: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    request: Mapped[str | None] = mapped_column(Text, unique=True)

    def state(self, now: datetime) -> str:
        """`revoked`, `expired`, `replaced` (valid for the rest of the overlap) or `active`."""
        if self.revoked is not None:
            return "revoked"
        if self.expires <= now:
            return "expired"
        return "replaced" if self.successor is not None else "active"


def actor_of(system: System) -> str:
    """How the event log and deliveries name a system."""
    return f"{ACTOR}{system.id}"


def is_actor(actor: str) -> bool:
    """Whether the actor is an information system."""
    return actor.startswith(ACTOR)


def system_of(session: AnySession, actor: str) -> System | None:
    """The system of an actor that acts as one; None for people, for nobody, and for one that is closed."""
    if not is_actor(actor):
        return None
    try:
        found = session.get(System, UUID(actor.removeprefix(ACTOR)))
    except ValueError:
        return None
    return found if found is not None and found.closed is None else None


def may_change(system: System, agency_id: str | None, package_id: str) -> bool:
    """Whether a system may change a data set of that agency."""
    return agency_id == system.agency_id and (system.datasets is None or package_id in system.datasets)


def systems_of(session: AnySession, agencies: frozenset[str] | None, limit: int = 200) -> list[System]:
    """The systems of these agencies (None = all), those in use first."""
    wanted = select(System).order_by(System.closed.is_not(None), System.name).limit(limit)
    return list(session.scalars(wanted if agencies is None else wanted.where(System.agency_id.in_(agencies))))


def tokens_of(session: AnySession, system: System) -> list[Token]:
    """The tokens of a system, newest first."""
    return list(session.scalars(select(Token).where(Token.system_id == system.id).order_by(Token.created.desc())))

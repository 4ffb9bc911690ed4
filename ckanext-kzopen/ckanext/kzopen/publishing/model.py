"""Tables of the publish path: passports of data sets, and deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from ckan import model
from ckanext.kzopen.core.db import Base
from sqlalchemy import BigInteger, DateTime, Index, Integer, Text, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

KEY_TAKEN = text("idempotency_key IS NOT NULL AND NOT key_free")
KEY_KEPT = timedelta(days=7)


class Passport(Base):
    """What the publish path needs of a data set beside its CKAN package: the table schema and the resource of its table."""

    __tablename__ = "passport"

    package_id: Mapped[str] = mapped_column(Text, primary_key=True)
    uri: Mapped[str] = mapped_column(Text, unique=True)
    resource_id: Mapped[str] = mapped_column(Text, unique=True)
    schema: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())


UNDECIDED = ("quarantined", "awaiting_approval", "scheduled")
"""States of a delivery that waits for a person, or for the moment that one has set."""


class Delivery(Base):
    """Rows that somebody sent to one data set. Never deleted; `state` is changed by `core.states.change` only.

    `mode` is replace, append, upsert or delete. `check_only` is whether the sender asked for a check alone. One that
    `waits_for` something (`check`: for its sender, `approval`: for somebody else) stops before publication until a person
    decides (`approver`, with `decision_reason`). `stops` are what put it into quarantine (`stops.Stop`). `repairs` are kinds
    and fields of repairs that a person accepted for it alone. `report` is `validation.report.Report.stored()`, with `listed`,
    the number of findings that can be read (`listings`). The counts of rows are None until they are known. `key_free` is
    whether its idempotency key may be used again. `settled` is when DataStore, too, showed the version of an accepted
    delivery, `bytes_deleted` when a rule of keeping deleted its bytes.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_package", "package_id", "received"),
        Index("delivery_state", "state"),
        Index("delivery_key", "package_id", "idempotency_key", unique=True, postgresql_where=KEY_TAKEN),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    package_id: Mapped[str] = mapped_column(Text)
    uri: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    check_only: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str | None] = mapped_column(Text)
    file_name: Mapped[str | None] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    publish_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    waits_for: Mapped[str | None] = mapped_column(Text)
    stops: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    repairs: Mapped[list[list[str | None]]] = mapped_column(JSONB, default=list)
    approver: Mapped[str | None] = mapped_column(Text)
    decision_reason: Mapped[str | None] = mapped_column(Text)
    key_free: Mapped[bool] = mapped_column(default=False)
    rows: Mapped[int | None] = mapped_column(BigInteger)
    added: Mapped[int | None] = mapped_column(BigInteger)
    changed: Mapped[int | None] = mapped_column(BigInteger)
    unchanged: Mapped[int | None] = mapped_column(BigInteger)
    removed: Mapped[int | None] = mapped_column(BigInteger)
    wrong: Mapped[int | None] = mapped_column(BigInteger)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    version: Mapped[int | None] = mapped_column(Integer)
    error: Mapped[str | None] = mapped_column(Text)
    received: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    checking: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    checked: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    settled: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bytes_deleted: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def owner_org(self) -> str | None:
        """The agency of its data set, for the rights of who decides on it; None when the data set was purged."""
        session = object_session(self)
        package = session.get(model.Package, self.package_id) if session else None
        return package.owner_org if package else None


class DeliveryRule(Base):
    """How much a delivery to one data set may change by itself; where there is no row, `rules.DEFAULT` holds."""

    __tablename__ = "delivery_rule"

    package_id: Mapped[str] = mapped_column(Text, primary_key=True)
    empty: Mapped[str] = mapped_column(Text)
    loss: Mapped[float | None]
    columns: Mapped[str] = mapped_column(Text)
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())


class ApprovalRule(Base):
    """Whose deliveries a second person of the agency has to approve: `nobody`'s, `people`'s, or `all`, systems too."""

    __tablename__ = "approval_rule"

    agency_id: Mapped[str] = mapped_column(Text, primary_key=True)
    second_person: Mapped[str] = mapped_column(Text)
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())


class Upload(Base):
    """A large body that comes in parts: `received` bytes of `length` are safely stored; `delivery_id` once it is complete."""

    __tablename__ = "upload"
    __table_args__ = (Index("upload_open", "sender", postgresql_where=text("delivery_id IS NULL")),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    package_id: Mapped[str] = mapped_column(Text)
    uri: Mapped[str] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    waits_for: Mapped[str | None] = mapped_column(Text)
    publish_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    media_type: Mapped[str | None] = mapped_column(Text)
    file_name: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    length: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    delivery_id: Mapped[UUID | None]


class AcceptedRepair(Base):
    """A kind of repair that a person accepted for a data set; `field` is empty where it is of the whole table."""

    __tablename__ = "accepted_repair"

    package_id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    field: Mapped[str] = mapped_column(Text, primary_key=True, default="")
    actor: Mapped[str] = mapped_column(Text)
    accepted: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


def passport_of(session: Session, uri: str) -> Passport | None:
    """The passport of the data set `uri`, or None."""
    return session.scalars(select(Passport).where(Passport.uri == uri)).first()


def schemas_today(session: Session, package_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """The Table Schemas of data sets as the last commit left them, by id; without those that have no passport."""
    found = session.execute(select(Passport.package_id, Passport.schema).where(Passport.package_id.in_(package_ids)))
    return {row.package_id: row.schema for row in found}


def delivery_with_key(session: Session, package_id: str, key: str) -> Delivery | None:
    """The delivery to a data set that came with this idempotency key in the last KEY_KEPT, or None."""
    return session.scalars(select(Delivery).where(*_taken(package_id, key))).first()


def free_old_key(session: Session, package_id: str, key: str, now: datetime) -> None:
    """Let a key that came more than KEY_KEPT ago be used again; the old delivery goes on telling it."""
    old = update(Delivery).where(*_taken(package_id, key), Delivery.received < now - KEY_KEPT)
    session.execute(old.values(key_free=True))


def _taken(package_id: str, key: str) -> tuple[Any, ...]:
    return Delivery.package_id == package_id, Delivery.idempotency_key == key, Delivery.key_free.is_(False)


def due(session: Session, now: datetime) -> list[Delivery]:
    """Scheduled deliveries whose moment has come."""
    return list(session.scalars(select(Delivery).where(Delivery.state == "scheduled", Delivery.publish_at <= now)))


def latest_deliveries(session: Session, package_ids: list[str], limit: int = 20) -> list[Delivery]:
    """The newest deliveries to these data sets, newest first."""
    wanted = select(Delivery).where(Delivery.package_id.in_(package_ids)).order_by(Delivery.received.desc()).limit(limit)
    return list(session.scalars(wanted))


def known_bodies(session: Session, names: Iterable[str]) -> set[str]:
    """Those of these file names (a delivery's id in hexadecimal) that belong to a delivery whose bytes are kept."""
    ids = [UUID(hex=name) for name in names if len(name) == 32]
    return {
        found.hex
        for found in session.scalars(select(Delivery.id).where(Delivery.id.in_(ids), Delivery.bytes_deleted.is_(None)))
    }

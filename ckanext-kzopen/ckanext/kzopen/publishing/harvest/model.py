"""Tables of harvesting: sources, runs, the items of each run, and what is held of each source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from ckanext.kzopen.core.db import Base
from ckanext.kzopen.publishing.harvest.told import Told, ToldText
from ckanext.kzopen.publishing.model import UNDECIDED, Delivery
from sqlalchemy import BigInteger, ColumnElement, DateTime, Float, ForeignKey, Integer, Text, and_, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

OPEN = ("queued", "discovering", "fetching")
"""States of a run in which something is to be done without anybody's hand."""
COUNTS = ("added", "changed", "unchanged", "removed", "failed")
WRITES = ("harvest", "retry")
"""Purposes of runs that publish; the others only look."""
NEEDS_DECISION = "harvest.needs_decision"
WAS_REFUSED = "harvest.was_refused"
"""What stands on an item whose delivery was left to a person; it may have been decided on since."""
PART_UNREAD = "harvest.part_unread"
"""Of a run: that a part of its list could not be read. In the data of an item: that it stands for such a part."""


class Source(Base):
    """Where an agency's data are fetched from. `state` is changed by `core.states` only.

    `settings` are those of the kind, `secrets` the encrypted rest of them, `defaults` what a passport gets when the source
    does not say it. `fingerprint` is a hash of all three; `previewed` the one that was looked at, so that a source whose
    settings were changed is previewed again. `schedule` is a cron line in the time of Astana, empty = by hand.
    """

    __tablename__ = "harvest_source"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    agency_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    secrets: Mapped[str | None] = mapped_column(Text)
    defaults: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    schedule: Mapped[str] = mapped_column(Text, default="")
    threshold: Mapped[float] = mapped_column(Float, default=0.2)
    state: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    previewed: Mapped[str | None] = mapped_column(Text)
    next_run: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())


class Run(Base):
    """One visit to a source. `state` is changed by `core.states` only.

    `cursor` is where discovery goes on after a death; `told` how many items the source says it has; `complete` whether
    all of them were seen, without which nothing is removed; `removals_allowed` is None before that, and False while a
    person has to confirm them. `seen` grows while the list is read; the other counts are None until the run has ended.
    """

    __tablename__ = "harvest_run"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("kzopen.harvest_source.id"))
    agency_id: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    starter: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    cursor: Mapped[Any] = mapped_column(Told)
    told: Mapped[int | None] = mapped_column(BigInteger)
    complete: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    removals_allowed: Mapped[bool | None]
    seen: Mapped[int | None] = mapped_column(BigInteger)
    added: Mapped[int | None] = mapped_column(BigInteger)
    changed: Mapped[int | None] = mapped_column(BigInteger)
    unchanged: Mapped[int | None] = mapped_column(BigInteger)
    removed: Mapped[int | None] = mapped_column(BigInteger)
    failed: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str | None] = mapped_column(Text)
    error_params: Mapped[dict[str, Any]] = mapped_column(Told, default=dict)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    started: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    discovered: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Item(Base):
    """One thing that a run found at its source, or (`removal`) no longer found there; `outcome` is None until it is done.

    `error` is a code of `errors.yaml` with its parameters; `next_try` is when it may be tried again.
    """

    __tablename__ = "harvest_item"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("kzopen.harvest_run.id"), primary_key=True)
    guid: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    removal: Mapped[bool] = mapped_column(default=False)
    hash: Mapped[str | None] = mapped_column(ToldText)
    data: Mapped[dict[str, Any]] = mapped_column(Told, default=dict)
    batch: Mapped[int | None] = mapped_column(Integer)
    outcome: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_try: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str | None] = mapped_column(Text)
    error_params: Mapped[dict[str, Any]] = mapped_column(Told, default=dict)
    uri: Mapped[str | None] = mapped_column(Text)
    delivery_id: Mapped[UUID | None]
    differences: Mapped[dict[str, Any] | None] = mapped_column(Told)
    finished: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Held(Base):
    """A data set that came from a source, with what decides whether it has changed there.

    `hash` is the source's own, `passport` and `content` are SHA-256 of what was published, `validators` the ETag and
    Last-Modified by address. `gone` is when it was withdrawn here because the source no longer had it.
    """

    __tablename__ = "harvest_held"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("kzopen.harvest_source.id"), primary_key=True)
    guid: Mapped[str] = mapped_column(Text, primary_key=True)
    package_id: Mapped[str] = mapped_column(Text, unique=True)
    uri: Mapped[str] = mapped_column(Text)
    hash: Mapped[str | None] = mapped_column(ToldText)
    fingerprint: Mapped[str] = mapped_column(Text)
    passport: Mapped[str] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(Text)
    validators: Mapped[dict[str, Any]] = mapped_column(Told, default=dict)
    run_id: Mapped[UUID]
    gone: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())


def source_named(session: Session, name: str) -> Source | None:
    """The source of that name, or None."""
    return session.scalars(select(Source).where(Source.name == name)).first()


def runs_of(session: Session, source: Source, limit: int = 20) -> list[Run]:
    """The latest runs of a source, newest first."""
    wanted = select(Run).where(Run.source_id == source.id).order_by(Run.created.desc()).limit(limit)
    return list(session.scalars(wanted))


def seconds_of_last(session: Session, run: Run, limit: int = 5) -> list[float]:
    """How long the last runs of the same source and purpose took that came to their end, without the time in which they waited
    for a person: until their last item was fetched."""
    fetched = select(func.max(Item.finished)).where(Item.run_id == Run.id, Item.removal.is_(False)).scalar_subquery()
    took = func.extract("epoch", func.coalesce(fetched, Run.discovered, Run.finished) - Run.started)
    same = (Run.source_id == run.source_id, Run.purpose == run.purpose, Run.state == "finished", Run.started.is_not(None))
    return [float(found) for found in session.scalars(select(took).where(*same).order_by(Run.created.desc()).limit(limit))]


def counted(session: Session, run: Run) -> dict[str | None, int]:
    """How many items of a run have which outcome; None are those that are still to be done."""
    wanted = select(Item.outcome, func.count()).where(Item.run_id == run.id).group_by(Item.outcome)
    return dict(session.execute(wanted).tuples().all())


def worked_on(session: Session, run: Run) -> tuple[int, int]:
    """How many items of a run its batches have brought to their outcomes, and how many they have still to bring there."""
    wanted = select(func.count(Item.outcome), func.count()).where(Item.run_id == run.id, Item.batch.is_not(None))
    done, every = session.execute(wanted).one()
    return done, every - done


def undecided() -> ColumnElement[bool]:
    """Whether the delivery of an item waits for a person at this moment."""
    return _decision_is(*UNDECIDED)


def refused() -> ColumnElement[bool]:
    """Whether a person has refused the delivery of an item."""
    return _decision_is("refused")


def _decision_is(*states: str) -> ColumnElement[bool]:
    """Whether a person was to decide on the delivery of an item, and it is in one of these states now."""
    found = select(Delivery.id).where(Delivery.id == Item.delivery_id, Delivery.state.in_(states))
    return and_(Item.error == NEEDS_DECISION, found.exists())


def settle_items(session: Session, run: Run, outcome: str, error: str | None = None, **params: Any) -> None:
    """Give all items of a run that are still to be done this outcome."""
    session.execute(
        select(Run.id).where(Run.id == run.id).with_for_update()
    )  # first the run, then its items: as who publishes
    told: Mapping[str, Any] = {"outcome": outcome, "error": error, "error_params": params, "finished": func.now()}
    session.execute(update(Item).where(Item.run_id == run.id, Item.outcome.is_(None)).values(**told))


def sources_of(session: Session, agencies: frozenset[str] | None) -> list[Source]:
    """The sources of these agencies (None = all) that are not closed, by title."""
    wanted = select(Source).where(Source.state != "closed").order_by(Source.title)
    return list(session.scalars(wanted if agencies is None else wanted.where(Source.agency_id.in_(agencies))))


def items_of(session: Session, run: Run, outcome: str | None, offset: int, limit: int) -> list[Item]:
    """Items of a run in the order in which they were found: all, those of one outcome, those still to be done
    (`left`), or those that wait for a person (`waiting`)."""
    wanted = select(Item).where(Item.run_id == run.id).order_by(Item.position, Item.guid).offset(offset).limit(limit)
    if outcome == "left":
        wanted = wanted.where(Item.outcome.is_(None))
    elif outcome == "waiting":
        wanted = wanted.where(undecided())
    elif outcome:
        wanted = wanted.where(Item.outcome == outcome)
    return list(session.scalars(wanted))

"""Runs as people and the clock start, stop and decide them. What a run does is in `discovery`, `batches` and `closing`."""

from __future__ import annotations

from datetime import UTC, datetime

from ckanext.kzopen.core import jobs, states
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import closing, schedule, undecided
from ckanext.kzopen.publishing.harvest.model import OPEN, PART_UNREAD, WRITES, Item, Run, Source, refused, settle_items
from ckanext.kzopen.publishing.harvest.sources import CHANGE, RUN
from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

TASK = "harvest.run"
PREVIEWED_ITEMS = 20
CLOCK = "system:harvest"
DECISIONS = ("confirm_removals", "keep_all")
ACCEPTED = "accepted"
"""In the data of an item: what a person has allowed for it."""


def start(session: Session, source: Source, purpose: str, actor: str, address: str | None = None) -> Run:
    """Put a run into the queue, in the caller's transaction.

    Runs that publish need an active source and the right `harvest.run`; those that only look, `harvest.change`. Raises
    KzError harvest.not_active, harvest.runs_already, web.not_allowed.
    """
    if actor != CLOCK:
        rights.require(actor, RUN if purpose in WRITES else CHANGE, source)
    if purpose in WRITES and source.state != "active":
        raise KzError("harvest.not_active")
    run = _begun(session, source, purpose, actor, address)
    jobs.defer(session, TASK, lock=f"harvest:{source.id}", run=str(run.id))
    return run


def _begun(session: Session, source: Source, purpose: str, actor: str, address: str | None) -> Run:
    run = Run(
        source_id=source.id, agency_id=source.agency_id, purpose=purpose, starter=actor, fingerprint=source.fingerprint, seen=0
    )
    try:
        with session.begin_nested():
            states.begin(session, "harvest_run", run, actor, address=address, source=source.name, purpose=purpose)
    except IntegrityError as error:
        raise KzError("harvest.runs_already") from error
    return run


def retry(session: Session, source: Source, failed: Run, actor: str, guids: list[str] | None = None, **accept: bool) -> Run:
    """A new run over the failed items of an earlier one (all, or these); its errors stay where they were. Of those that are
    named, a table that a person refused is offered once more.

    `accept` are answers that a person gives to what an item asked, such as `columns=True`. A part of the list that could not
    be read is none: the next run reads it. Raises KzError harvest.nothing_to_retry, harvest.part_unread when there is nothing
    but such parts.
    """
    rights.require(actor, RUN, source)
    if source.state != "active":
        raise KzError("harvest.not_active")
    of_run = select(Item.guid).where(Item.run_id == failed.id)
    wanted = of_run.where(Item.outcome == "failed", Item.removal.is_(False))
    wanted = wanted if guids is None else wanted.where(Item.guid.in_(guids))
    unread = Item.data.has_key(PART_UNREAD)
    chosen = list(session.scalars(wanted.where(~unread)))
    again = [] if guids is None else list(session.scalars(of_run.where(Item.guid.in_(guids), refused())))
    undecided.offer_again(session, source.id, again)
    chosen += again
    if not chosen:
        only_unread = session.scalars(wanted.where(unread).limit(1)).first() is not None
        raise KzError(PART_UNREAD if only_unread else "harvest.nothing_to_retry")
    run = _begun(session, source, "retry", actor, None)
    data = Item.data.op("||")(literal({ACCEPTED: accept}, JSONB)) if accept else Item.data
    copied = select(literal(run.id), Item.guid, Item.position, Item.hash, data)
    copied = copied.where(Item.run_id == failed.id, Item.guid.in_(chosen))
    session.execute(insert(Item).from_select(["run_id", "guid", "position", "hash", "data"], copied))
    run.seen = len(chosen)
    jobs.defer(session, TASK, lock=f"harvest:{source.id}", run=str(run.id))
    return run


def cancel(session: Session, run: Run, actor: str, address: str | None = None) -> None:
    """End a run as it stands; what it has published stays."""
    settle_items(session, run, "failed", "harvest.cancelled")
    told = closing.totals(session, run)
    states.change(session, "harvest_run", run, "cancel", actor, address=address, finished=datetime.now(UTC), **told)


def confirm_removals(session: Session, run: Run, actor: str, reason: str, address: str | None = None) -> None:
    """Withdraw what the source no longer has, in the words of a person."""
    states.change(
        session, "harvest_run", run, "confirm_removals", actor, reason=reason, address=address, removals_allowed=True
    )
    jobs.defer(session, TASK, lock=f"harvest:{run.source_id}", run=str(run.id))


def keep_all(session: Session, run: Run, actor: str, reason: str, address: str | None = None) -> None:
    """Withdraw nothing: the data sets count as unchanged."""
    settle_items(session, run, "unchanged", "harvest.removal_not_confirmed")
    told = closing.totals(session, run)
    states.change(
        session, "harvest_run", run, "keep_all", actor, reason=reason, address=address, finished=datetime.now(UTC), **told
    )


def decide(session: Session, run: Run, way: str, actor: str, reason: str, address: str | None = None) -> None:
    """What a person decides on a run: confirm_removals, keep_all, cancel."""
    if way == "cancel":
        cancel(session, run, actor, address)
        return
    if way not in DECISIONS:
        raise KzError("web.not_found")
    carry_out = confirm_removals if way == DECISIONS[0] else keep_all
    try:
        with session.begin_nested():
            carry_out(session, run, actor, reason, address)
    except IntegrityError as error:  # another run of the source is under way
        raise KzError("harvest.runs_already") from error


def start_due(session: Session, now: datetime) -> int:
    """Start the runs whose time has come and set the next time; how many. One that still runs is left alone. Commits."""
    due = select(Source).where(Source.state == "active", Source.next_run <= now).with_for_update(skip_locked=True)
    started = 0
    for source in session.scalars(due).all():
        source.next_run = schedule.next_time(source.schedule, now)
        try:
            start(session, source, "harvest", CLOCK)
        except KzError as error:
            if error.code != "harvest.runs_already":
                raise
            continue
        started += 1
    session.commit()
    return started


def stranded(session: Session) -> list[Run]:
    """Open runs for which no job waits or runs: their jobs were given up, or the database lost them."""
    open_runs = list(session.scalars(select(Run).where(Run.state.in_(OPEN))))
    numbers = [str(run.id) for run in open_runs]
    busy = set().union(*(jobs.waiting(session, name, "run", numbers) for name in (TASK, "harvest.batch")))
    return [run for run in open_runs if str(run.id) not in busy]


def wake(session: Session) -> int:
    """Put stranded runs into the queue again; how many. Commits."""
    found = stranded(session)
    for run in found:
        jobs.defer(session, TASK, lock=f"harvest:{run.source_id}", run=str(run.id))
    session.commit()
    return len(found)


def forget(session: Session, days: int) -> int:
    """Delete the items of runs that ended more than `days` days ago; the runs with their counts stay. Commits."""
    old = select(Run.id).where(Run.finished < func.now() - func.make_interval(0, 0, 0, days))
    deleted = session.execute(delete(Item).where(Item.run_id.in_(old)).returning(Item.guid)).all()
    session.commit()
    return len(deleted)


def overtake(session: Session, source: Source, newer: Run) -> None:
    """A newer run has read the list: earlier ones wait no longer for a person, and what they would withdraw is unchanged."""
    wanted = select(Run).where(Run.source_id == source.id, Run.state == "awaiting_confirmation", Run.id != newer.id)
    for run in session.scalars(wanted).all():
        settle_items(session, run, "unchanged", "harvest.removal_not_confirmed")
        told = closing.totals(session, run)
        states.change(session, "harvest_run", run, "overtake", CLOCK, finished=datetime.now(UTC), **told)


def mark_previewed(session: Session, source: Source, run: Run) -> None:
    """Remember that the first items were looked at with these settings."""
    session.execute(update(Source).where(Source.id == source.id).values(previewed=run.fingerprint, changed=Source.changed))

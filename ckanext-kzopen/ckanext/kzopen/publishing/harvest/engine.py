"""A run from beginning to end. `advance` may be called at any moment and after any death: it goes on from the last commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ckanext.kzopen.core import jobs, states
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import batches, closing, comparing, failing, removing, runs, undecided, visiting
from ckanext.kzopen.publishing.harvest.alone import alone
from ckanext.kzopen.publishing.harvest.discovery import discover
from ckanext.kzopen.publishing.harvest.model import Item, Run, Source, settle_items
from ckanext.kzopen.publishing.harvest.patience import TRIES, waiting_time
from ckanext.kzopen.publishing.harvest.reach import TEMPORARY
from ckanext.kzopen.publishing.harvest.told import storable
from ckanext.kzopen.search import changes
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

SYSTEM = "system:harvest"


def advance(session: Session, run_id: UUID) -> None:
    """Take a run as far as one job can: read the list, compare, withdraw, hand out batches; or end it. Commits.

    Does nothing while somebody else does it.
    """
    with alone(session, str(run_id)) as mine:
        if mine:
            _advance(session, run_id)


def _advance(session: Session, run_id: UUID) -> None:
    run = session.get(Run, run_id)
    if run is None:
        return
    source = session.get_one(Source, run.source_id)
    if run.state == "queued":
        way = "fetch" if run.purpose == "retry" else "discover"
        states.change(session, "harvest_run", run, way, SYSTEM, started=datetime.now(UTC))
        if run.purpose == "retry":
            comparing.make_batches(session, run)
        session.commit()
    if run.state == "discovering":
        _discover(session, source, run)
    if run.state == "fetching":
        _fetch(session, source, run)


def _discover(session: Session, source: Source, run: Run) -> None:
    try:
        with visiting.visit(session, source, run) as visit:
            first = runs.PREVIEWED_ITEMS if run.purpose == "preview" else None
            discover(session, run, visit.harvester, visit.defaults.most, first)
    except BaseException as error:  # noqa: BLE001 - `told` raises again what is no fault of the source
        told = failing.told(error, failing.LIST)
        session.rollback()
        session.refresh(run)
        if run.state == "discovering":  # else somebody has cancelled it meanwhile
            _try_again_or_fail(session, run, told)
        return
    _compare(session, source, run)


def _compare(session: Session, source: Source, run: Run) -> None:
    """One transaction: what is unchanged, what is gone, the batches, the jobs."""
    runs.overtake(session, source, run)
    if run.purpose != "preview":
        comparing.mark_unchanged(session, run)
        undecided.note_all(session, run)
    if run.complete and run.purpose != "preview":
        held = comparing.held_now(session, source.id)
        gone = comparing.note_removals(session, run)
        run.seen = (run.seen or 0) + gone
        run.removals_allowed = removing.allowed(gone, held, source.threshold)
        if not run.removals_allowed:
            percent = round(100 * gone / held)
            run.error, run.error_params = "harvest.many_removals", {"held": held, "removed": gone, "percent": str(percent)}
    comparing.make_batches(session, run)
    run.attempts = 0  # what failed of the list counts no more for the batches
    states.change(session, "harvest_run", run, "fetch", SYSTEM, discovered=datetime.now(UTC))
    session.commit()


def _try_again_or_fail(session: Session, run: Run, error: KzError) -> None:
    """What may pass is tried again with growing waits; the list goes on where it stopped."""
    run.attempts += 1
    run.error, run.error_params = error.code, error.params
    if error.code in TEMPORARY and run.attempts < TRIES:
        at = datetime.now(UTC) + timedelta(seconds=waiting_time(run.attempts, error))
        jobs.defer(session, runs.TASK, lock=f"harvest:{run.source_id}", at=at, run=str(run.id))
    else:
        give_up(session, run, error)
    session.commit()


def give_up(session: Session, run: Run, error: KzError) -> None:
    """End a run that cannot go on; what it has published stays, nothing is withdrawn."""
    settle_items(session, run, "failed", error.code, **error.params)
    told = closing.totals(session, run)
    fields: dict[str, Any] = {
        "error": error.code,
        "error_params": storable(error.params),
        "finished": datetime.now(UTC),
    } | told
    states.change(session, "harvest_run", run, "fail", SYSTEM, **fields)


def _fetch(session: Session, source: Source, run: Run) -> None:
    if run.removals_allowed or run.purpose == "dry":
        with changes.unhurried(session, quietly=True):
            removing.remove_all(session, source, run)
    batches.defer_all(session, source, run)
    session.commit()
    conclude(session, run.id)


def conclude(session: Session, run_id: UUID) -> None:
    """End the run when nothing of it is left to do; let it wait for a person when only removals are left. Commits."""
    run = session.get(Run, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.state != "fetching":
        session.commit()
        return
    left: dict[bool, int] = dict(session.execute(_left(run)).tuples().all())
    if not left.get(False, 0):
        if left.get(True, 0) and not run.removals_allowed:
            states.change(session, "harvest_run", run, "ask", SYSTEM)
        elif not left:
            closing.close(session, run)
            if run.purpose == "preview" and (run.failed or 0) < (run.seen or 0):
                runs.mark_previewed(session, session.get_one(Source, run.source_id), run)
    session.commit()


def _left(run: Run) -> Select[tuple[bool, int]]:
    wanted = select(Item.removal, func.count()).where(Item.run_id == run.id, Item.outcome.is_(None))
    return wanted.group_by(Item.removal)

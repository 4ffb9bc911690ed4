"""The third part of a run: its items, a batch a job. Whatever happens to one item is noted on it and the next one follows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ckanext.kzopen.core import jobs
from ckanext.kzopen.publishing.harvest import failing, landing, together, visiting
from ckanext.kzopen.publishing.harvest.alone import alone
from ckanext.kzopen.publishing.harvest.landing import Visit
from ckanext.kzopen.publishing.harvest.model import Item, Run, Source
from ckanext.kzopen.publishing.harvest.patience import first_wait
from ckanext.kzopen.publishing.harvest.reach import TEMPORARY
from ckanext.kzopen.publishing.harvest.settings import defaults_of
from ckanext.kzopen.publishing.harvest.together import Waiting
from ckanext.kzopen.search import changes
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

TASK = "harvest.batch"
SHIFT = 60.0
"""Seconds after which a job makes room for the next one and goes on later: nothing runs for hours."""
AT_ONCE = 25
"""New data sets that are published together."""
LONGEST_WAIT = 5.0
"""Seconds after which those that wait are published, however few they are."""
BUSY = 5.0
"""Seconds after which a batch is looked at again at which another worker was; doubled each time, up to a shift."""
SILENT = 3
"""Temporary errors in a row after which a job leaves the host alone for a while."""


def defer_all(session: Session, source: Source, run: Run) -> int:
    """Defer a job for each batch that has something to do and none in the queue; how many."""
    wanted = select(Item.batch).where(Item.run_id == run.id, Item.outcome.is_(None), Item.batch.is_not(None)).distinct()
    unfinished = [int(batch or 0) for batch in session.scalars(wanted.order_by(Item.batch))]
    waiting = jobs.waiting(session, TASK, "key", [_key(run.id, batch) for batch in unfinished])
    left = [batch for batch in unfinished if _key(run.id, batch) not in waiting]
    for batch in left:
        _defer(session, source, run, batch)
    return len(left)


def _key(run: UUID, batch: int) -> str:
    return f"{run}/{batch}"


def _defer(session: Session, source: Source, run: Run, batch: int, at: datetime | None = None, looked: int = 0) -> None:
    """Batches that share a place at the source's host run one after the other, without keeping a worker waiting."""
    key, place = _key(run.id, batch), place_of(source, batch)
    jobs.defer(session, TASK, lock=place, at=at, run=str(run.id), batch=batch, key=key, looked=looked)


def place_of(source: Source, batch: int) -> str:
    """The place at the source's host that a batch takes: so many of them are worked on at once as there are places."""
    place = batch % defaults_of(source).at_once
    return f"harvest-host:{visiting.host_of(source)}:{place}"


def work(session: Session, run_id: UUID, batch: int, clock: Callable[[], float] = time.monotonic, looked: int = 0) -> bool:
    """Bring the items of a batch to their outcomes; whether none is left. What has to wait is deferred again.

    While somebody else does it, it is left to them and looked at again later, for they may die; so it is while the worker of
    another batch that was taken for dead has its place at the host. `looked` is how often it was so.
    """
    run = session.get(Run, run_id)
    if run is None or run.state != "fetching":
        return True
    place = place_of(session.get_one(Source, run.source_id), batch)
    session.rollback()
    with alone(session, _key(run_id, batch), place) as mine:
        return _work(session, run_id, batch, clock) if mine else _look_again(session, run_id, batch, looked)


def _look_again(session: Session, run_id: UUID, batch: int, looked: int) -> bool:
    run = session.get(Run, run_id)
    if run is not None and run.state == "fetching":
        at = datetime.now(UTC) + timedelta(seconds=min(SHIFT, BUSY * 2.0 ** min(looked, 10)))
        _defer(session, session.get_one(Source, run.source_id), run, batch, at, looked=looked + 1)
        session.commit()
    return False


def _work(session: Session, run_id: UUID, batch: int, clock: Callable[[], float]) -> bool:
    run = session.get(Run, run_id)
    if run is None or run.state != "fetching":
        return True
    source = session.get_one(Source, run.source_id)
    until, silent = clock() + SHIFT, 0
    # Nobody waits for the index to show what was harvested.
    with changes.unhurried(session, quietly=True), visiting.visit(session, source, run) as visit:
        waiting = Together(visit, clock)
        for item in _due(session, run, batch):
            if clock() > until or silent >= SILENT or _state(session, run) != "fetching":
                break
            silent = 0 if _one(visit, item, waiting.begin) else silent + 1
            waiting.publish_some()
        waiting.publish()
        _count_bytes(session, run, visit)
    again = _next_try(session, run, batch)
    if again is not None:
        rested = datetime.now(UTC) + timedelta(seconds=first_wait() * (silent >= SILENT))
        _defer(session, source, run, batch, max(again, rested))
    session.commit()
    return again is None


def _due(session: Session, run: Run, batch: int) -> list[Item]:
    """The items that may be tried now, in order."""
    wanted = select(Item).where(Item.run_id == run.id, Item.batch == batch, Item.outcome.is_(None))
    wanted = wanted.where(or_(Item.next_try.is_(None), Item.next_try <= func.now())).order_by(Item.position)
    return list(session.scalars(wanted))


def _state(session: Session, run: Run) -> str:
    return str(session.scalar(select(Run.state).where(Run.id == run.id)))


@dataclass
class Together:
    """New data sets of the batch that wait to be published together; one that cannot be published keeps no other from it."""

    visit: Visit
    clock: Callable[[], float]
    waiting: list[Waiting] = field(default_factory=list)
    since: float = 0.0

    def begin(self, visit: Visit, item: Item) -> None:
        """Land the item, or let it wait."""
        found = landing.begin(visit, item, self.publish)
        if found is not None:
            self.since = self.since if self.waiting else self.clock()
            self.waiting.append(found)

    def publish_some(self) -> None:
        """Publish them when there are enough, or the first one has waited for long."""
        if len(self.waiting) >= AT_ONCE or (self.waiting and self.clock() > self.since + LONGEST_WAIT):
            self.publish()

    def publish(self) -> bool:
        """Publish them, each by itself when that fails, which tells of whom it is; whether there were any."""
        several, self.waiting = self.waiting, []
        if not several:
            return False
        learnt = dict(self.visit.harvester.reach.fresh)
        try:
            together.publish(self.visit, several)
        except Exception:
            log.warning("new data sets of run %s could not be published together", self.visit.run.id, exc_info=True)
            for one in several:
                if _state(self.visit.session, self.visit.run) != "fetching":
                    break
                _one(self.visit, one.item, landing.land)
        self.visit.harvester.reach.fresh = learnt
        return True


def _one(visit: Visit, item: Item, land: Callable[[Visit, Item], None]) -> bool:
    """Land one item; False when its host did not answer. The error is on the item, in the words of `errors.yaml`."""
    key = (item.run_id, item.guid)
    try:
        visit.harvester.reach.fresh.clear()
        land(visit, item)
    except BaseException as error:  # noqa: BLE001 - `told` raises again what is no fault of the source
        told = failing.told(error, failing.ITEM)
        temporary = told.code in TEMPORARY
        failing.note(visit.session, key, item, told, temporary=temporary)
        return not temporary
    return True


def _next_try(session: Session, run: Run, batch: int) -> datetime | None:
    """When the batch goes on; None when nothing of it is left."""
    wanted = select(func.count(), func.min(func.coalesce(Item.next_try, func.now())))
    wanted = wanted.where(Item.run_id == run.id, Item.batch == batch, Item.outcome.is_(None))
    left, at = session.execute(wanted).one()
    return at if left else None


def _count_bytes(session: Session, run: Run, visit: Visit) -> None:
    session.execute(update(Run).where(Run.id == run.id).values(bytes=Run.bytes + visit.harvester.reach.received))

"""What the worker does for harvesting, on a queue of its own: sources that answer slowly keep nobody else waiting."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from ckan import model
from ckanext.kzopen.core.jobs import HARVEST, GaveUp, Retry, task
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import batches, engine, failing, runs
from ckanext.kzopen.publishing.harvest.model import OPEN, Run
from ckanext.kzopen.publishing.harvest.patience import TRIES

PATIENT = Retry(times=20, first=1, longest=30)
"""What is tried again is what passes, such as a database that is away: the runs must not be lost for it."""
KEEP_ITEMS_DAYS = 365


def given_up(error: BaseException, *, run: str, **_: object) -> None:
    """End a run whose worker died in it again and again, or in which something fails each time: once may be a coincidence."""
    if failing.passes(error):
        return
    told = KzError("harvest.gave_up") if isinstance(error, GaveUp) else failing.told(error, failing.LIST)
    session = model.Session()
    row = session.get(Run, UUID(run))
    if row is None or row.state not in OPEN:
        return
    row.attempts += 1
    if isinstance(error, GaveUp) or row.attempts >= TRIES:
        engine.give_up(session, row, told)
    session.commit()


@task(runs.TASK, retry=PATIENT, failed=given_up, queue=HARVEST)
def advance_run(run: str) -> None:
    """Read a source's list, compare it, and hand out the batches."""
    engine.advance(model.Session(), UUID(run))


@task(batches.TASK, retry=PATIENT, failed=given_up, queue=HARVEST, heavy=True)
def work_on_batch(run: str, batch: int, key: str, looked: int = 0) -> None:
    """Fetch and publish the items of one batch; the last one ends the run."""
    del key
    if batches.work(model.Session(), UUID(run), batch, looked=looked):
        engine.conclude(model.Session(), UUID(run))


@task("harvest.clock", cron="* * * * * */5")
def start_due_runs() -> None:
    """Start the runs whose time has come, and wake those whose jobs were lost."""
    session = model.Session()
    runs.start_due(session, datetime.now(UTC))
    runs.wake(session)


@task("harvest.forget", cron="23 4 * * *")
def forget_items() -> None:
    """Delete the items of old runs; the counts of the runs stay."""
    runs.forget(model.Session(), KEEP_ITEMS_DAYS)

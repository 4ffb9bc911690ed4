"""A worker of the queue of harvesting: it starts a harvest when there were fewer than wanted, and ends when no run is open.

Dead workers are noticed after a second instead of eight.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

NAME = "faults"
TRIES = 240


def hurry() -> None:
    """Heartbeats and looks for dead workers come often, so that a hundred deaths take minutes."""
    from ckanext.kzopen.core.jobs import engine, worker

    engine.HEARTBEAT, engine.STALE_AFTER, worker.ROUND = 0.25, 1.0, 0.25
    worker.PAUSES = (0.25, 0.25, 0.25, 0.25)


def main(app: Any, number: str) -> None:
    """Be the worker of the queue until all runs have ended; the first thing it does is to start the run that is wanted."""
    from ckanext.kzopen.core.jobs.registry import HARVEST

    hurry()
    patiently(lambda: start(app, int(number)))
    work(app, HARVEST, lambda: under_way(app))


def work(app: Any, queue: str, under_way: Callable[[], bool]) -> None:
    """Do the jobs of a queue while something is under way."""
    from ckan.common import config
    from ckanext.kzopen.core.jobs import worker
    from ckanext.kzopen.core.jobs.runner import Runner

    address = str(config["sqlalchemy.url"])

    async def until_done() -> None:
        stop = asyncio.Event()
        jobs = asyncio.create_task(worker.run(address, Runner(app), stop, queue, 4))
        while await asyncio.to_thread(under_way):
            await asyncio.sleep(0.2)
        stop.set()
        await jobs

    asyncio.run(until_done())


def start(app: Any, wanted: int) -> None:
    """Start the run number `wanted`, unless an earlier worker of this round did before it died."""
    from ckan import model
    from ckanext.kzopen.publishing.harvest import runs
    from ckanext.kzopen.publishing.harvest.model import Run, source_named
    from sqlalchemy import func, select

    with app.test_request_context():
        session = model.Session()
        if (session.scalar(select(func.count()).select_from(Run)) or 0) < wanted:
            source = source_named(session, NAME)
            assert source is not None
            runs.start(session, source, "harvest", runs.CLOCK)
            session.commit()
        model.Session.remove()


def patiently(action: Callable[[], None]) -> None:
    """Do it once PostgreSQL has recovered."""
    from ckan import model
    from sqlalchemy.exc import DBAPIError

    for _ in range(TRIES):
        try:
            action()
        except DBAPIError:
            model.Session.remove()
            time.sleep(0.25)
        else:
            return
    raise TimeoutError


def under_way(app: Any) -> bool:
    """Whether a run is open; wakes what is stranded, as the clock of a whole portal does. PostgreSQL may be away."""
    from ckan import model
    from ckanext.kzopen.publishing.harvest import runs
    from ckanext.kzopen.publishing.harvest.model import OPEN, Run
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    with app.test_request_context():
        try:
            runs.wake(model.Session())
            return bool(model.Session().scalar(select(func.count()).select_from(Run).where(Run.state.in_(OPEN))))
        except SQLAlchemyError:
            time.sleep(0.2)
            return True
        finally:
            model.Session.remove()

"""`python -m ckanext.kzopen.core.jobs.worker INI`: runs jobs until it is told to stop.

Loads CKAN with its plugins, so that tasks may call actions. Reconnects when PostgreSQL went away. Stops at SIGTERM or
SIGINT: waits GRACE seconds for running jobs, then leaves them to the rescue of the next worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import procrastinate
import psycopg
import psycopg_pool
from ckanext.kzopen.core.jobs import engine, partner
from ckanext.kzopen.core.jobs.partner import Partner
from ckanext.kzopen.core.jobs.registry import HARVEST, QUEUE, UPKEEP, Run, tasks
from ckanext.kzopen.core.jobs.runner import loaded
from procrastinate.exceptions import ConnectorException

log = logging.getLogger("ckanext.kzopen.core.jobs.worker")

JOBS_AT_ONCE = {QUEUE: 2, HARVEST: 4, UPKEEP: 2}
"""By queue: a source that answers slowly, or words that are indexed for minutes, keep places of their own occupied, never
those of the publish path."""
GRACE = 3.0  # seconds that running jobs get at a stop; the launcher ends by force after five
ROUND = 2.0  # seconds between looks for jobs of dead workers, and for jobs whose time has come
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before connecting again
LOST = (ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed)


async def run(
    url: str, runner: Run | Partner, stop: asyncio.Event, queue: str = QUEUE, at_once: int = JOBS_AT_ONCE[QUEUE]
) -> None:
    """Work on one queue, `at_once` jobs at a time, until `stop` is set.

    Connects again with growing pauses when PostgreSQL goes away.
    """
    failures = 0
    while not stop.is_set():
        try:
            async with engine.application(url, tasks(queue), runner).open_async() as app:
                failures = 0
                await _work(app, runner, stop, queue, at_once)
        except LOST as error:
            log.warning("no connection to PostgreSQL: %s", error)
        if not stop.is_set():
            await _pause(stop, PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _work(app: procrastinate.App, runner: Run | Partner, stop: asyncio.Event, queue: str, at_once: int) -> None:
    """Run jobs and look after those of dead workers until `stop`, or until one of the two loses its connection."""
    jobs = asyncio.create_task(
        app.run_worker_async(
            queues=[queue],
            concurrency=at_once,
            delete_jobs="successful",
            install_signal_handlers=False,
            shutdown_graceful_timeout=GRACE,
            update_heartbeat_interval=engine.HEARTBEAT,
            fetch_job_polling_interval=ROUND,
        )
    )
    rescue = asyncio.create_task(_look_again_and_again(app, runner, queue))
    told = asyncio.create_task(stop.wait())
    parts = (jobs, rescue, told)
    await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    for part in parts:
        part.cancel()
    for outcome in await asyncio.gather(*parts, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _look_again_and_again(app: procrastinate.App, runner: Run | Partner, queue: str) -> None:
    await engine.forget(app)
    heavy = [name for name, task in tasks(queue).items() if task.heavy]
    while True:
        await engine.rescue(app)
        if heavy and isinstance(runner, Partner):
            runner.look(await engine.waiting(app, heavy))
        await asyncio.sleep(ROUND)


def stop_at_signals(stop: asyncio.Event) -> None:
    """The first signal asks to stop; what still runs after GRACE seconds more is left to the next worker."""
    loop = asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        loop.call_later(GRACE + 0.5, os._exit, 0)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)


async def _until_told(url: str, runner: Partner) -> None:
    stop = asyncio.Event()
    stop_at_signals(stop)
    # Jobs run in asyncio's threads, of which there are six on two processors: fewer than the places that were promised.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(sum(JOBS_AT_ONCE.values()) + 2, "job"))
    await asyncio.gather(*(run(url, runner, stop, *place) for place in JOBS_AT_ONCE.items()))


def work(ini: str, here: Run) -> None:
    """Run the jobs of the portal that `ini` describes, which is loaded, until told to stop."""
    from ckan.common import config

    runner = Partner([sys.executable, "-m", partner.__name__, ini], here)
    log.info("worker is ready; tasks: %s", ", ".join(sorted(tasks())))
    asyncio.run(_until_told(config["sqlalchemy.url"], runner))


if __name__ == "__main__":
    work(sys.argv[1], loaded(sys.argv[1]))

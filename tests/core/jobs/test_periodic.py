"""Periodic tasks: a worker starts each at its time, once for each time."""

from __future__ import annotations

import asyncio
import time

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.jobs import task, worker
from sqlalchemy import Engine, text

from tests.core.jobs.tasks import plainly

QUEUE = "tests-periodic"
WITHIN = 30
FIRED: list[int] = []


@task("tests.each_second", queue=QUEUE, cron="* * * * * *")
def each_second(timestamp: int) -> None:
    """Note the moment for which it was started, in Unix time."""
    FIRED.append(timestamp)


async def work_until_it_has_fired_twice(url: str) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(url, plainly, stop, QUEUE))
    until = time.monotonic() + WITHIN
    while len(FIRED) < 2 and time.monotonic() < until:
        await asyncio.sleep(0.1)
    stop.set()
    await working


def test_a_task_with_a_rhythm_is_started_again_and_again(engine: Engine) -> None:
    FIRED.clear()
    began = int(time.time())
    try:
        asyncio.run(work_until_it_has_fired_twice(tk.config["sqlalchemy.url"]))
    finally:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM kzopen.procrastinate_jobs WHERE queue_name = :queue"), {"queue": QUEUE})
            moments = "DELETE FROM kzopen.procrastinate_periodic_defers WHERE task_name = 'tests.each_second'"
            connection.execute(text(moments))
    assert len(FIRED) >= 2
    assert len(set(FIRED)) == len(FIRED), "a moment came twice"
    assert all(began - 1 <= moment <= time.time() for moment in FIRED)

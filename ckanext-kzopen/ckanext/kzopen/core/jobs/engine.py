"""procrastinate as this portal uses it: its connections, our tasks as its tasks, the rescue of jobs whose worker died."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import procrastinate
from ckanext.kzopen.core.db import SCHEMA
from ckanext.kzopen.core.jobs.registry import Task
from procrastinate import BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job

log = logging.getLogger(__name__)

APPLICATION = "kzopen worker"
HEARTBEAT = 2.0
STALE_AFTER = 8.0  # seconds without a heartbeat after which a worker counts as dead
KEEP_FAILED_DAYS = 30
_RESCUE = """
    SELECT procrastinate_retry_job_v1(stalled.id, now(), NULL, NULL, NULL), stalled.id AS job
    FROM (
        SELECT job.id FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
        WHERE job.status = 'doing'
          AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(seconds)s))
        FOR UPDATE OF job SKIP LOCKED
    ) stalled
"""
_FORGET = """
    DELETE FROM procrastinate_jobs WHERE status IN ('failed', 'cancelled', 'aborted') AND id IN (
        SELECT job_id FROM procrastinate_events GROUP BY job_id HAVING max(at) < now() - make_interval(days => %(days)s)
    )
"""
_WAITING = """
    SELECT count(*) AS waiting FROM procrastinate_jobs
    WHERE status = 'todo' AND task_name = ANY(%(names)s) AND (scheduled_at IS NULL OR scheduled_at <= now())
"""


class BackOff(BaseRetryStrategy):
    """A task's own rule, with up to a fifth more by chance, so that jobs that failed together do not return together."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        wait = self.task.retry.wait(job.attempts)
        if wait is None:
            return None
        jitter = 1 + random.random() / 5  # noqa: S311 - not for secrets
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait * jitter))


def application(url: str, tasks: dict[str, Task], run: Callable[..., None]) -> procrastinate.App:
    """procrastinate with our tasks; `run(task, attempts, args)` runs one of them."""
    address = url.replace("postgresql+psycopg2://", "postgresql://", 1)
    connector = PsycopgConnector(
        conninfo=address,
        min_size=1,
        max_size=4,
        timeout=5,
        kwargs={"options": f"-c search_path={SCHEMA},public", "application_name": APPLICATION},
    )
    app = procrastinate.App(connector=connector)
    for task in tasks.values():
        _add(app, task, run)
    return app


def _add(app: procrastinate.App, task: Task, run: Callable[..., None]) -> None:
    def body(context: JobContext, /, **args: Any) -> None:
        run(task, context.job.attempts, args)

    decorate = app.task(name=task.name, queue=task.queue, pass_context=True, retry=BackOff(task))
    added: Any = decorate(body)
    if task.cron is not None:
        app.periodic(cron=task.cron, queueing_lock=f"periodic:{task.name}")(added)


async def rescue(app: procrastinate.App) -> list[int]:
    """Put jobs back into the queue whose worker has not been heard of for STALE_AFTER seconds; their numbers."""
    rows = await app.connector.execute_query_all_async(_RESCUE, seconds=STALE_AFTER)
    jobs = [int(row["job"]) for row in rows]
    if jobs:
        log.warning("jobs of a dead worker are run again: %s", jobs)
    return jobs


async def forget(app: procrastinate.App) -> None:
    """Delete jobs that were given up more than KEEP_FAILED_DAYS days ago; those that succeeded are deleted at once."""
    await app.connector.execute_query_async(_FORGET, days=KEEP_FAILED_DAYS)


async def waiting(app: procrastinate.App, names: list[str]) -> int:
    """How many jobs of these tasks could be run now and are not."""
    rows = await app.connector.execute_query_all_async(_WAITING, names=names)
    return int(rows[0]["waiting"])

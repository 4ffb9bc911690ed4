"""Putting work into the queue, and how much lies there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ckanext.kzopen.core.db import SCHEMA
from ckanext.kzopen.core.jobs.registry import known_task
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

AnySession = Session | scoped_session[Any]
QUEUEING_LOCK_INDEX = "procrastinate_jobs_queueing_lock_idx_v1"
_DEFER = text(
    f"""
    SELECT {SCHEMA}.procrastinate_defer_jobs_v1(ARRAY[ROW(
        :queue, :task, 0, :lock, :queueing_lock, CAST(:args AS jsonb), CAST(:at AS timestamptz)
    )::{SCHEMA}.procrastinate_job_to_defer_v1])
    """
)
_HELD = text(
    f"""
    WITH held AS (
        SELECT id, queue_name FROM {SCHEMA}.procrastinate_jobs
        WHERE queueing_lock = :queueing_lock AND status = 'todo' FOR SHARE
    )
    SELECT pg_notify('procrastinate_queue_v1#' || queue_name, json_build_object('type', 'job_inserted', 'job_id', id)::text)
    FROM held
    """  # noqa: S608 - a constant
)
_COUNTS = text(f"SELECT status::text, count(*) FROM {SCHEMA}.procrastinate_jobs GROUP BY status")  # noqa: S608 - a constant

UNDONE = """status = 'failed' AND NOT EXISTS (
    SELECT FROM kzopen.procrastinate_periodic_defers run LEFT JOIN kzopen.procrastinate_jobs later ON later.id = run.job_id
    WHERE run.task_name = job.task_name AND (later.id IS NULL OR later.status <> 'failed'))
"""
"""The condition on a `job` that was given up and whose work nobody will do. What a periodic task left undone, its next run
does: once that one runs, or has succeeded and is gone."""

_WAITING = text(
    f"""
    SELECT DISTINCT args ->> :argument FROM {SCHEMA}.procrastinate_jobs
    WHERE task_name = :task AND status IN ('todo', 'doing') AND args ->> :argument = ANY(:values)
    """  # noqa: S608 - a constant
)


def defer(
    session: AnySession,
    name: str,
    /,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
    **args: Any,
) -> int | None:
    """Put a job into the queue when the caller's transaction is committed; its number.

    Jobs with the same `lock` run one after the other, in the order in which they were deferred. While a job with the same
    `queueing_lock` waits, nothing is added and None is returned; that job is not begun before the caller's transaction has
    ended, whose work it would not see. `at` is the moment before which it does not run.
    """
    queue = known_task(name).queue
    values = {"queue": queue, "task": name, "lock": lock, "queueing_lock": queueing_lock, "at": at, "args": json.dumps(args)}
    if queueing_lock is None:
        return _added(session, values)
    while True:
        try:
            # A duplicate would otherwise spoil the caller's transaction.
            with session.begin_nested():
                return _added(session, values)
        except IntegrityError as error:
            if QUEUEING_LOCK_INDEX not in str(error.orig):
                raise
        if _held(session, queueing_lock):
            return None


def _held(session: AnySession, queueing_lock: str) -> bool:
    """Keep the waiting job from being begun until this transaction ends, when workers look again; False when it has begun."""
    return session.execute(_HELD, {"queueing_lock": queueing_lock}).first() is not None


def _added(session: AnySession, values: dict[str, Any]) -> int:
    return int(session.execute(_DEFER, values).scalar_one()[0])


def counts(connection: Connection | AnySession) -> dict[str, int]:
    """Jobs by status: `todo` (also those that wait for their next try), `doing`, `failed` (given up)."""
    found = {str(status): int(number) for status, number in connection.execute(_COUNTS).all()}
    return {status: found.get(status, 0) for status in ("todo", "doing", "failed")}


def waiting(session: AnySession, name: str, argument: str, values: Iterable[str]) -> set[str]:
    """Those of these values of an argument for which a job of that task waits, also for its next try, or runs now."""
    asked = list(values)
    if not asked:
        return set()
    found = session.execute(_WAITING, {"task": name, "argument": argument, "values": asked})
    return {str(value) for value in found.scalars()}

"""What the doctor says of failed jobs: those whose work nobody will do any more."""

from __future__ import annotations

import pytest
from ckanext.kzopen.runtime.stored import FAILED
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.jobs.tasks import QUEUE

JOB = "INSERT INTO kzopen.procrastinate_jobs (queue_name, task_name, status) VALUES (:queue, :task, 'failed') RETURNING id"
BECOMES = "UPDATE kzopen.procrastinate_jobs SET status = :status WHERE id = :job"
RUN = "INSERT INTO kzopen.procrastinate_periodic_defers (task_name, defer_timestamp, job_id) VALUES (:task, 1, :job)"


def failed(session: Session, task: str) -> int:
    return int(session.execute(text(JOB), {"queue": QUEUE, "task": task}).scalar_one())


def named(session: Session, task: str) -> bool:
    """Whether the doctor names the task."""
    return task in {row[0] for row in session.execute(text(FAILED))}


def test_a_job_that_was_given_up_is_named(session: Session) -> None:
    failed(session, "tests.once")

    assert named(session, "tests.once")


def test_a_periodic_task_is_named_when_its_last_run_failed(session: Session) -> None:
    job = failed(session, "tests.each_minute")
    session.execute(text(RUN), {"task": "tests.each_minute", "job": job})

    assert named(session, "tests.each_minute")


@pytest.mark.parametrize("status", [None, "todo", "doing"])
def test_a_periodic_task_that_ran_again_is_not_named(session: Session, status: str | None) -> None:
    failed(session, "tests.each_minute")
    job = failed(session, "tests.each_minute") if status else None
    session.execute(text(BECOMES), {"status": status, "job": job})
    session.execute(text(RUN), {"task": "tests.each_minute", "job": job})

    assert not named(session, "tests.each_minute")

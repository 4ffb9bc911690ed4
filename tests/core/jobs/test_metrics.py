"""What Prometheus is told of jobs: those that are late, and those that nobody will do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.jobs.metrics import figures
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.jobs.conftest import Defer
from tests.core.jobs.tasks import QUEUE
from tests.core.jobs.test_failed_for_good import BECOMES, RUN, failed
from tests.scraping import Told, rows_of, scrape, told

TEN_MINUTES = timedelta(minutes=10)
DEFERRED = "UPDATE kzopen.procrastinate_events SET at = :at WHERE job_id = :job"


def deferred(session: Session, at: datetime | None = None) -> int:
    """A job of the tests' queue, on which no worker works."""
    number = jobs.defer(session, "tests.note", notes="-", line="-", at=at)
    assert number is not None
    return number


def figures_of(session: Session) -> Told:
    return told(figures(rows_of(session)))


def oldest(session: Session) -> float:
    return figures_of(session)["kzopen_job_oldest_due_seconds", QUEUE]


def test_a_queue_without_jobs_is_told_as_such(session: Session) -> None:
    found = figures_of(session)
    assert found["kzopen_job_oldest_due_seconds", QUEUE] == 0
    assert [found["kzopen_jobs", QUEUE, status] for status in ("todo", "doing", "failed")] == [0, 0, 0]
    assert found["kzopen_jobs_undone", QUEUE] == 0


def test_a_job_without_a_moment_is_due_since_it_was_deferred(session: Session) -> None:
    job = deferred(session)
    session.execute(text(DEFERRED), {"at": datetime.now(UTC) - TEN_MINUTES, "job": job})
    assert oldest(session) == pytest.approx(600, abs=60)


def test_a_job_with_a_moment_is_due_since_then(session: Session) -> None:
    job = deferred(session, datetime.now(UTC) - TEN_MINUTES)
    session.execute(text(DEFERRED), {"at": datetime.now(UTC) - 9 * TEN_MINUTES, "job": job})
    assert oldest(session) == pytest.approx(600, abs=60)


def test_the_oldest_counts_whether_or_not_it_has_a_moment(session: Session) -> None:
    job = deferred(session)
    session.execute(text(DEFERRED), {"at": datetime.now(UTC) - 2 * TEN_MINUTES, "job": job})
    deferred(session, datetime.now(UTC) - TEN_MINUTES)
    assert oldest(session) == pytest.approx(1200, abs=60)
    deferred(session, datetime.now(UTC) - 3 * TEN_MINUTES)
    assert oldest(session) == pytest.approx(1800, abs=60)


@pytest.mark.parametrize("status", ["doing", "failed"])
def test_a_job_that_runs_or_was_given_up_does_not_wait(session: Session, status: str) -> None:
    session.execute(text(BECOMES), {"status": status, "job": deferred(session, datetime.now(UTC) - TEN_MINUTES)})
    found = figures_of(session)
    assert found["kzopen_job_oldest_due_seconds", QUEUE] == 0
    assert found["kzopen_jobs", QUEUE, status] == 1


def test_a_job_for_tomorrow_is_not_late(session: Session) -> None:
    deferred(session, datetime.now(UTC) + timedelta(days=1))
    assert oldest(session) == 0
    assert figures_of(session)["kzopen_jobs", QUEUE, "todo"] == 1


def test_a_job_that_was_given_up_is_counted_until_another_run_does_its_work(session: Session) -> None:
    job = failed(session, "tests.each_minute")
    assert figures_of(session)["kzopen_jobs_undone", QUEUE] == 1
    session.execute(text(RUN), {"task": "tests.each_minute", "job": job})
    session.execute(text(BECOMES), {"status": "doing", "job": job})
    failed(session, "tests.each_minute")
    found = figures_of(session)
    assert (found["kzopen_jobs", QUEUE, "failed"], found["kzopen_jobs_undone", QUEUE]) == (1, 0)


def test_a_late_job_is_seen_by_prometheus(app: CKANTestApp, defer: Defer, notes: Path) -> None:
    defer("tests.note", notes=str(notes), line="-", at=datetime.now(UTC) - TEN_MINUTES)
    assert told(scrape(app))["kzopen_job_oldest_due_seconds", QUEUE] == pytest.approx(600, abs=60)


def test_a_database_that_is_away_is_not_told_as_empty_queues() -> None:
    assert told(figures(lambda query, **parameters: [])) == {}

"""What a worker promises: order under a lock, another try, and no job lost with a killed worker."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from ckanext.kzopen.core.jobs.engine import APPLICATION
from ckanext.kzopen.core.jobs.worker import GRACE, ROUND
from sqlalchemy import Engine, text

from tests.core.jobs.conftest import Defer, StartWorker, lines, wait_for

Worker = subprocess.Popen[bytes]

START = 60  # seconds that a worker process may take to load on a busy machine


def status_of(engine: Engine, number: int | None) -> str | None:
    with engine.connect() as connection:
        query = text("SELECT status::text FROM kzopen.procrastinate_jobs WHERE id = :number")
        return connection.execute(query, {"number": number}).scalar()


@pytest.fixture
def worker(start_worker: StartWorker, defer: Defer, notes: Path, engine: Engine) -> Worker:
    """A worker that is ready: its first job is over, so that no fault of a test makes it run again."""
    process = start_worker()
    number = defer("tests.note", notes=str(notes), line="ready")
    wait_for(lambda: lines(notes) == ["ready"] and status_of(engine, number) is None, START)
    notes.write_text("")
    return process


@pytest.mark.usefixtures("worker")
def test_a_worker_hears_of_a_committed_job_before_it_looks_by_itself(defer: Defer, notes: Path) -> None:
    took = []
    for n in range(5):
        defer("tests.note", notes=str(notes), line=f"hello {n}")
        took.append(wait_for(lambda n=n: f"hello {n}" in lines(notes), 10))  # type: ignore[misc]

    assert min(took) < ROUND / 4


@pytest.mark.usefixtures("worker")
def test_jobs_with_one_lock_run_one_after_the_other_and_without_a_pause(
    start_worker: StartWorker, defer: Defer, notes: Path
) -> None:
    start_worker()
    for name in ("first", "second", "third"):
        defer("tests.work", lock="table", notes=str(notes), name=name, seconds=0.3)

    took = wait_for(lambda: len(lines(notes)) == 6, 10)

    expected = [f"{name} {verb}" for name in ("first", "second", "third") for verb in ("begins", "ends")]
    assert lines(notes) == expected
    assert took < 2 * ROUND


def test_a_failed_job_is_tried_again_and_each_failure_is_told(
    start_worker: StartWorker, defer: Defer, notes: Path, engine: Engine
) -> None:
    start_worker(0.2)
    number = defer("tests.fail_twice", notes=str(notes))

    wait_for(lambda: status_of(engine, number) is None, START)

    assert lines(notes) == ["tried", "failed: OSError", "tried", "failed: OSError", "tried"]


@pytest.mark.usefixtures("worker")
def test_a_job_that_may_not_be_tried_again_stays_as_failed(defer: Defer, notes: Path, engine: Engine) -> None:
    number = defer("tests.fail", notes=str(notes))

    wait_for(lambda: status_of(engine, number) == "failed", 10)

    assert lines(notes) == ["failed: OSError"]


@pytest.mark.fault
@pytest.mark.usefixtures("worker")
def test_the_job_of_a_killed_worker_is_run_again_within_15_seconds(
    start_worker: StartWorker, defer: Defer, notes: Path
) -> None:
    start_worker()
    defer("tests.hang_once", notes=str(notes))
    wait_for(lambda: len(lines(notes)) == 1, 5)

    os.kill(int(lines(notes)[0]), signal.SIGKILL)
    took = wait_for(lambda: len(lines(notes)) == 2, START)

    assert took < 15
    assert lines(notes)[0] != lines(notes)[1]


@pytest.mark.fault
@pytest.mark.usefixtures("worker")
def test_a_worker_goes_on_when_its_connections_are_cut(defer: Defer, notes: Path, engine: Engine) -> None:
    with engine.begin() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
        assert connection.execute(text(cut), {"name": APPLICATION}).all()
    defer("tests.note", notes=str(notes), line="still here")

    wait_for(lambda: lines(notes) == ["still here"], 20)


def test_a_worker_stops_within_five_seconds_even_with_a_job_running(
    worker: Worker, defer: Defer, notes: Path, engine: Engine
) -> None:
    number = defer("tests.work", notes=str(notes), name="long", seconds=60)
    wait_for(lambda: lines(notes) == ["long begins"], 5)

    worker.terminate()

    assert worker.wait(timeout=5) == 0
    assert status_of(engine, number) == "doing"


def test_an_idle_worker_stops_without_waiting(worker: Worker) -> None:
    worker.terminate()

    assert worker.wait(timeout=GRACE) == 0

"""Workers for the tests' own queue, and a file in which tasks note what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckanext.kzopen.core import jobs
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.core.jobs import tasks

ROOT = Path(__file__).resolve().parents[3]
StartWorker = Callable[..., subprocess.Popen[bytes]]
Defer = Callable[..., int | None]


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Start a worker process, which may look for jobs more often than one of the portal; all are ended after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*seconds: float) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.core.jobs.tasks", tk.config["sqlalchemy.url"], *map(str, seconds)]
        running.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture
def defer(engine: Engine) -> Iterator[Defer]:
    """Defer a job in a transaction of its own; what is left in the tests' queue is deleted after the test."""

    def now(name: str, /, **args: Any) -> int | None:
        with Session(engine) as session, session.begin():
            return jobs.defer(session, name, **args)

    yield now
    with Session(engine) as session, session.begin():
        session.execute(text("DELETE FROM kzopen.procrastinate_jobs WHERE queue_name = :queue"), {"queue": tasks.QUEUE})


def lines(notes: Path) -> list[str]:
    return notes.read_text(encoding="utf-8").splitlines()


def wait_for(condition: Callable[[], bool], seconds: float) -> float:
    """Seconds until the condition holds; the test fails when it does not in time."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"did not happen within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - start

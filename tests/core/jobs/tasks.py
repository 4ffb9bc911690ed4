"""Tasks of the tests, on a queue of their own that the portal's worker leaves alone; run as a program, a worker for them.

`python -m tests.core.jobs.tasks URL` works until it is told to stop, looking for jobs every so many seconds where they follow;
with `partner` in place of URL it is the second process of such a worker. Each task notes what it does in a file, a line each.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.jobs import NO_RETRY, Retry, Task, partner, task, worker

QUEUE = "tests"


def note(notes: str, line: str) -> None:
    with Path(notes).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def note_failure(error: BaseException, *, notes: str, **_args: Any) -> None:
    note(notes, f"failed: {type(error).__name__}")


@task("tests.note", queue=QUEUE)
def write_down(notes: str, line: str) -> None:
    note(notes, line)


@task("tests.work", queue=QUEUE)
def work(notes: str, name: str, seconds: float) -> None:
    note(notes, f"{name} begins")
    time.sleep(seconds)
    note(notes, f"{name} ends")


@task("tests.hang_once", queue=QUEUE)
def hang_once(notes: str) -> None:
    note(notes, str(os.getpid()))
    if len(Path(notes).read_text().splitlines()) == 1:
        time.sleep(600)


@task("tests.fail_twice", queue=QUEUE, retry=Retry(times=3, first=0.1), failed=note_failure)
def fail_twice(notes: str) -> None:
    note(notes, "tried")
    if Path(notes).read_text().count("tried") < 3:
        raise OSError("not yet")


@task("tests.fail", queue=QUEUE, retry=NO_RETRY, failed=note_failure)
def fail(notes: str) -> None:
    raise OSError("never")


@task("tests.heavy", queue=QUEUE, heavy=True)
def compute(notes: str, name: str, seconds: float) -> None:
    note(notes, f"{name} begins in {os.getpid()}")
    time.sleep(seconds)
    note(notes, f"{name} ends")


@task("tests.heavy_fail", queue=QUEUE, retry=Retry(times=2, first=0.1), failed=note_failure, heavy=True)
def fail_heavily(notes: str) -> None:
    note(notes, f"tried in {os.getpid()}")
    raise OSError("not here")


def plainly(one: Task, attempts: int, args: dict[str, Any]) -> None:
    """Run a task as the portal's worker does, without CKAN's application around it."""
    try:
        one.function(**args)
    except OSError as error:
        if one.failed:
            one.failed(error, **args)
        raise


async def _main(url: str, *seconds: str) -> None:
    for told in seconds:
        worker.ROUND = float(told)
    stop = asyncio.Event()
    worker.stop_at_signals(stop)
    second = [sys.executable, "-m", "tests.core.jobs.tasks", "partner"]
    await worker.run(url, partner.Partner(second, plainly), stop, QUEUE)


if __name__ == "__main__":
    if sys.argv[1] == "partner":
        partner.main(lambda: plainly)
    asyncio.run(_main(*sys.argv[1:]))

"""A second process that takes a part of the worker's heavy jobs while many of them wait.

Python computes on one processor a process. So while many heavy jobs wait, the worker has a process with CKAN in it beside it,
and gives it those that would run beside another one; a minute after its last job it ends, and an idle portal has no memory
for it. To the queue they are the worker's jobs: its heartbeat stands for them, and the process lives no longer than the pipe
to it, so that a worker that dies, however, takes it along before its jobs are given out again.

Over the pipe go lines of JSON: there `{"number": 1, "task": …, "attempts": 0, "args": {…}}`,
back `{"number": 1, "error": null}`.
`python -m ckanext.kzopen.core.jobs.partner INI` is the process; `second` is what the worker knows of it.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any, TextIO

from ckanext.kzopen.core.jobs.registry import Run, Task, known_task
from ckanext.kzopen.core.jobs.runner import loaded
from ckanext.kzopen.core.jobs.second import Died, NotGiven, Second, say

log = logging.getLogger(__name__)

MANY = 4
"""Heavy jobs that have to wait while two run, at two looks in a row, before the process is started: that costs seconds."""
IDLE = 60.0
"""Seconds without a job after which it ends."""
LOADING = 120.0
"""Seconds after which one is killed that does not get ready, or does not end."""
AFTER_A_DEATH = 60.0
"""Seconds until the next one is started after one that died; twice as long after each further death."""
AT_ONCE = 4
"""Threads of the process; the worker's places for jobs limit how many are in use."""


class Partner:
    """Runs heavy jobs `here` and in the second process that `command` starts; may be used by many threads."""

    def __init__(self, command: Sequence[str], here: Run) -> None:
        self._command, self._here = command, here
        self._lock = threading.Lock()
        self._running_here = 0
        self._many = False
        self._second: Second | None = None
        self._deaths = 0
        self._not_before = 0.0

    def __call__(self, task: Task, attempts: int, args: dict[str, Any]) -> None:
        """Run the task where fewer heavy ones run; raises what the task raises, or `second.Failed`.

        A job whose process died is tried again, but no more often than its task may be: then it is given up here.
        """
        if not task.heavy:
            self._here(task, attempts, args)
            return
        with self._lock:
            second = self._chosen()
            self._count(second, 1)
        try:
            if second is None:
                self._here(task, attempts, args)
            else:
                second.run(task.name, attempts, args)
        except NotGiven:
            self._here(task, attempts, args)
        except Died:
            if attempts < task.retry.times:
                raise
            self._here(task, task.retry.times + 1, args)
        finally:
            with self._lock:
                self._count(second, -1)

    def look(self, waiting: int) -> None:
        """Start the process when so many heavy jobs wait, end it when it has had none for long. Called again and again."""
        with self._lock:
            seen, self._many = self._many, waiting >= MANY and self._running_here > 1
            if self._second is not None and not self._second.alive:
                self._forget(self._second)
            if self._second is not None:
                self._look_at(self._second)
            elif seen and self._many and len(os.sched_getaffinity(0)) > 1 and time.monotonic() >= self._not_before:
                self._start(waiting)

    def _start(self, waiting: int) -> None:
        log.info("%d heavy jobs wait: a second process takes some of them", waiting)
        try:
            self._second = Second(self._command)
        except (OSError, RuntimeError):
            log.exception("no second process could be started; the worker goes on alone")
            self._rest()

    def _look_at(self, second: Second) -> None:
        if second.ready and not second.running and second.quiet > IDLE:
            second.end()
        elif not second.ready and second.quiet > LOADING:
            log.error("the second process gets neither ready nor to its end")
            second.kill()

    def _forget(self, second: Second) -> None:
        self._second = None
        if second.ending:
            self._deaths = 0
        else:
            self._rest()

    def _rest(self) -> None:
        self._not_before = time.monotonic() + AFTER_A_DEATH * 2.0 ** min(self._deaths, 5)
        self._deaths += 1

    def _chosen(self) -> Second | None:
        """The second process when it is ready and has less to do than this one."""
        second = self._second
        return second if second is not None and second.ready and second.running < self._running_here else None

    def _count(self, second: Second | None, step: int) -> None:
        if second is None:
            self._running_here += step
        else:
            second.running += step
            second.touched = time.monotonic()


def main(load: Callable[[], Run]) -> None:
    """Serve the worker at the other end of the pipes until it closes them or dies: then nothing is left to be done here.

    Nobody else may read from the one or write to the other, and who stops the portal stops the worker.
    """
    asked, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(asked, lines), daemon=True).start()
    try:
        _serve(lines, answers, load())
    except BaseException:
        log.exception("the second process ends")
    finally:
        os._exit(1)


def _listen(asked: TextIO, lines: SimpleQueue[str]) -> None:
    try:
        for line in asked:
            lines.put(line)
    finally:
        os._exit(0)  # what still runs belongs to a worker that is gone, or is about to be


def _serve(lines: SimpleQueue[str], answers: TextIO, run: Run) -> None:
    """Run each job in a thread, and tell when it is done, or what it raised: the log says more."""
    telling = threading.Lock()

    def tell(number: int, done: Future[None]) -> None:
        failure = done.exception()
        with telling:
            say(answers, number=number, error=type(failure).__name__ if failure else None)

    def one(task: str, attempts: int, args: dict[str, Any]) -> None:
        run(known_task(task), attempts, args)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="partner")
    say(answers, ready=True)
    while True:
        asked = json.loads(lines.get())
        try:
            job = pool.submit(one, asked["task"], asked["attempts"], asked["args"])
        except RuntimeError as error:  # no thread is to be had
            with telling:
                say(answers, number=asked["number"], error=str(error))
        else:
            job.add_done_callback(partial(tell, asked["number"]))


if __name__ == "__main__":
    main(lambda: loaded(sys.argv[1]))

"""The second process as the worker sees it: started, asked, ended; see `partner`."""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, TextIO

log = logging.getLogger(__name__)


class Failed(Exception):
    """The job did not succeed in the second process, where its task was told; the queue tries it again."""


class Died(Failed):
    """The second process ended before it answered; nobody was told."""


class NotGiven(Failed):
    """The second process was gone before the job came to it."""


class Second:
    """One process. `running` are the jobs that it has now, `touched` when one was last given to it or ended; both are kept
    by who gives them."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, Future[str | None]] = {}
        self.pid = self._process.pid
        self.running = 0
        self.touched = time.monotonic()
        self.ready = self.ending = False
        self.alive = True
        threading.Thread(target=self._listen, name="second", daemon=True).start()

    @property
    def quiet(self) -> float:
        """Seconds since something was last asked of it or answered."""
        return time.monotonic() - self.touched

    def run(self, task: str, attempts: int, args: dict[str, Any]) -> None:
        """Have it run a job; raises Failed when the job failed, Died when the process did, NotGiven if it was gone before."""
        error = self._ask(task, attempts, args).result()
        if error:
            raise Failed(error)

    def _ask(self, task: str, attempts: int, args: dict[str, Any]) -> Future[str | None]:
        answer: Future[str | None] = Future()
        with self._lock:
            if not self.alive:
                raise NotGiven("the second process is gone")
            number = next(self._numbers)
            try:
                say(_given(self._process.stdin), number=number, task=task, attempts=attempts, args=args)
            except OSError as broken:
                raise NotGiven("the second process is gone") from broken
            self._asked[number] = answer
        return answer

    def end(self) -> None:
        """Let it end; it has no job, and gets none any more."""
        self.ready, self.ending = False, True
        self.touched = time.monotonic()
        try:
            _given(self._process.stdin).close()
        except OSError:
            log.warning("the second process had ended", exc_info=True)

    def kill(self) -> None:
        """End it at once; its jobs fail."""
        self._process.kill()

    def _listen(self) -> None:
        """Hand the answers to those who wait for them; at the end of the pipe, all that are missing are failures."""
        try:
            for line in _given(self._process.stdout):
                self._hear(json.loads(line))
        except Exception:
            log.exception("the second process cannot be understood")
        finally:
            self._process.kill()
            self._let_go(self._process.wait())

    def _hear(self, told: dict[str, Any]) -> None:
        self.touched = time.monotonic()
        if "ready" in told:
            self.ready = True
            return
        with self._lock:
            answer = self._asked.pop(told["number"])
        answer.set_result(told["error"])

    def _let_go(self, code: int) -> None:
        with self._lock:
            self.alive = self.ready = False
            left, self._asked = self._asked, {}
        for answer in left.values():
            answer.set_exception(Died(f"the second process ended ({code})"))


def _given(stream: Any) -> TextIO:
    found: TextIO = stream
    return found


def say(into: TextIO, **told: Any) -> None:
    """Write one line of JSON."""
    into.write(json.dumps(told) + "\n")
    into.flush()

"""The tasks that the sections bring; a plugin registers its tasks by importing its `jobs.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Function = Callable[..., None]
Failed = Callable[..., None]
"""Takes the error, the task's arguments, and as `last` whether it was the last try; called in a transaction of its own after
each failed attempt."""


class GaveUp(Exception):
    """The worker died each time it ran this job, as often as the task may be tried."""


@dataclass(frozen=True)
class Retry:
    """How often a failed job is tried again, and after how many seconds: `first`, doubled each time, at most `longest`."""

    times: int = 6
    first: float = 2.0
    longest: float = 300.0

    def wait(self, attempt: int) -> float | None:
        """Seconds before the next try after `attempt` earlier ones (0 = it was the first); None = no more."""
        return None if attempt >= self.times else min(self.longest, self.first * 2.0**attempt)


NO_RETRY = Retry(times=0)
QUEUE = "default"
HARVEST = "harvest"
"""The queue of what waits for other people's machines."""
UPKEEP = "upkeep"
"""The queue of long work that nobody waits for."""


@dataclass(frozen=True)
class Task:
    """A function that the worker of `queue` runs; `cron` (five or six fields, the sixth is seconds) makes it periodic.

    A `heavy` one computes for seconds, and needs nothing of the process that it runs in: see `partner`.
    """

    name: str
    function: Function
    retry: Retry = field(default_factory=Retry)
    cron: str | None = None
    failed: Failed | None = None
    queue: str = QUEUE
    heavy: bool = False


Run = Callable[[Task, int, dict[str, Any]], None]
"""Runs a task; takes how often it was tried before, and its arguments."""

_tasks: dict[str, Task] = {}


def task(
    name: str,
    *,
    retry: Retry | None = None,
    cron: str | None = None,
    failed: Failed | None = None,
    queue: str = QUEUE,
    heavy: bool = False,
) -> Callable[[Function], Function]:
    """Register a function as the task `section.verb`.

    It runs inside CKAN's application with `ckan.model.Session` open, commits its own work, and an exception means
    that it is tried again. Its arguments are what JSON can hold. Periodic tasks take no arguments.
    """

    def register(function: Function) -> Function:
        known = _tasks.get(name)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"two tasks have the name {name}")
        _tasks[name] = Task(name, function, retry or Retry(), cron, failed, queue, heavy)
        return function

    return register


def tasks(queue: str | None = None) -> dict[str, Task]:
    """The registered tasks by name: all, or those of one queue."""
    return {name: task for name, task in _tasks.items() if queue in (None, task.queue)}


def known_task(name: str) -> Task:
    """The task of that name; a LookupError says that no plugin in the configuration brought it."""
    try:
        return _tasks[name]
    except KeyError:
        raise LookupError(f"no plugin has registered the task {name}") from None


def argument_values(args: dict[str, Any]) -> dict[str, Any]:
    """Arguments for the function: procrastinate adds `timestamp` to those of periodic tasks."""
    return {name: value for name, value in args.items() if name != "timestamp"}

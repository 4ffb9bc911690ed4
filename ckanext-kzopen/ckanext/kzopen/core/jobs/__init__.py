"""What is to be done, surely and once in effect: deferred in the caller's transaction, run by `core.jobs.worker`.

A task runs at least once (a killed worker's job is run again), so it must be idempotent. This package loads no part of
procrastinate until a worker starts: web processes only call an SQL function.
"""

from ckanext.kzopen.core.jobs.queue import UNDONE, counts, defer, waiting
from ckanext.kzopen.core.jobs.registry import HARVEST, NO_RETRY, UPKEEP, GaveUp, Retry, Task, task, tasks

__all__ = ["HARVEST", "NO_RETRY", "UNDONE", "UPKEEP", "GaveUp", "Retry", "Task", "counts", "defer", "task", "tasks", "waiting"]

"""Threads beside the one that asks, kept for the life of a process; a forked child starts its own."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def threads(name: str, most: int) -> ThreadPoolExecutor:
    """At most so many threads of that name in this process."""
    return _of_process(os.getpid(), name, most)


@cache
def _of_process(_process: int, name: str, most: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(most, thread_name_prefix=f"kzopen-search-{name}")

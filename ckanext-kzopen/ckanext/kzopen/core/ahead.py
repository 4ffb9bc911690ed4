"""Work on the next things while the caller has the one before: two cores for what works without Python's lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

G = TypeVar("G")
M = TypeVar("M")


def made_ahead(make: Callable[[G], M], given: Iterable[G], most: int = 1, threads: int = 1) -> Generator[M]:
    """What `make` makes of each, in order, in `threads` beside the caller's; `most` are made or wait there at a time, so
    memory is that of one more.

    What `make` raises is raised where its result would have come.
    """
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="kzopen-ahead") as pool:
        following: deque[Future[M]] = deque()
        for one in given:
            following.append(pool.submit(make, one))
            if len(following) > most:
                yield following.popleft().result()
        while following:
            yield following.popleft().result()

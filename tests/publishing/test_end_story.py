"""An information system creates a passport, sends a table, then change after change, and everyone reads the right version at
each moment: whole, never an older one than before, and old ones for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.conftest import LivePortal, free_port, portal_at
from tests.faults import agreement
from tests.publishing import story
from tests.publishing.story import Reader, Story, System

FOLDED_WITHIN = 120


@pytest.fixture
def own_portal(tmp_path: Path) -> Iterator[LivePortal]:
    """A portal on which nothing else is read or sent."""
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        yield portal


@pytest.mark.parametrize(
    ("rows", "changes"),
    [
        pytest.param(20_000, 8, id="short"),
        pytest.param(1_000_000, 100, id="long", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_everyone_reads_the_right_version_at_each_moment(own_portal: LivePortal, rows: int, changes: int) -> None:
    system, stop = System(own_portal, Story(rows, changes), "payments"), threading.Event()
    looks = (story.universal_api, story.download, story.numbered, story.datastore, story.datastore_by_value)
    readers = [Reader(look.__name__, system, look) for look in looks]
    with ThreadPoolExecutor(1 + len(readers)) as pool:
        reading = [pool.submit(reader.read, stop) for reader in readers]
        try:
            until_done(pool.submit(system.publish, "ministry", stop), reading)
            until_done(pool.submit(wait_folded, system), reading)
        finally:
            stop.set()
        for one in reading:
            one.result()
    for reader in readers:
        print(f"  {reader.name}: {len(reader.seen)} answers, {len(set(reader.seen))} versions")
        assert len(set(reader.seen)) > 2, f"{reader.name} read too seldom to prove anything"
        assert reader.seen[-1] == system.story.versions


def until_done(work: Future[None], reading: Sequence[Future[None]]) -> None:
    """Until the work is done; what a reader found wrong ends the test at once."""
    for one in wait([work, *reading], return_when=FIRST_COMPLETED).done:
        one.result()


def wait_folded(system: System) -> None:
    """Until several changes are one file, or all of them a whole table."""
    until = time.monotonic() + FOLDED_WITHIN
    while not agreement.folded(system.portal, system.uri):
        assert time.monotonic() < until, "nothing is folded"
        time.sleep(0.2)

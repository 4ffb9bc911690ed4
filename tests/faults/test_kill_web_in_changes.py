"""kill -9 of the web server, of one worker and of all, while clients change data sets and others read pages.

Afterwards whatever was acknowledged is found by search, and nothing is out of step without hand work. The seed is printed;
`KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_CHANGES` is how many changes are made (`./kzopen test faults`: 10,000). Short
forms: `test_kill_each_process`, where the web server dies while rows are published, and `test_kill_in_indexing`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import free_port, portal_at
from tests.faults.killing import pid_of
from tests.faults.portal_changes import Crowd, assert_nothing_is_out_of_step

VICTIMS = ("web worker", "web workers", "web")


def victims(portal_pid: int | None, name: str, choice: random.Random) -> list[int]:
    """Process ids to be killed; none while the web server is down."""
    if portal_pid is None or name == "web":
        return [portal_pid] if portal_pid else []
    workers = [worker.pid for worker in psutil.Process(portal_pid).children()]
    return workers if name == "web workers" else workers and [choice.choice(workers)]


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_search_finds_all_that_was_acknowledged_by_web_processes_that_died(tmp_path: Path) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    wanted = int(os.environ.get("KZOPEN_FAULT_CHANGES", "40"))
    print(f"seed {seed}, {wanted} changes")
    choice, killed = random.Random(seed), []
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        began = time.monotonic()
        with Crowd(portal) as crowd:
            while crowd.made < wanted or set(killed) != set(VICTIMS):
                crowd.wait_for_changes(choice.randint(1, max(10, wanted // 20)))
                time.sleep(choice.uniform(0, 0.2))
                name = VICTIMS[len(killed)] if len(killed) < len(VICTIMS) else choice.choice(VICTIMS)
                pids = victims(pid_of(portal, "web", choice), name, choice)
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                killed += [name] if pids else []
            crowd.wait_for_changes(1)
        seconds, answers = time.monotonic() - began, crowd.answers()
        print(f"{crowd.made} changes in {seconds:.0f} s, {len(killed)} kills, {crowd.lost} answers lost, ", end="")
        print(f"{answers.total()} pages read")
        assert crowd.lost > 0, "nobody was asking when the processes died"
        assert {asked: count for asked, count in answers.items() if asked[1] != 200} == {}
        assert_nothing_is_out_of_step(crowd)

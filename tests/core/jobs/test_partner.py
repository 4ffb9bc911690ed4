"""The second process that takes heavy jobs while many wait: when there is one, what it runs, and how it ends.

On a machine with one processor there is none; the tests need two, as the product does.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from ckanext.kzopen.core.jobs import partner
from ckanext.kzopen.core.jobs.partner import MANY, Partner
from ckanext.kzopen.core.jobs.registry import known_task
from ckanext.kzopen.core.jobs.second import Died, Failed, Second

from tests.core.jobs.conftest import Defer, StartWorker, lines, wait_for
from tests.core.jobs.tasks import plainly

START = 60
SECOND = [sys.executable, "-m", "tests.core.jobs.tasks", "partner"]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Partner]:
    """A partner whose second process is ready; it is ended after the test."""
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    made = Partner(SECOND, plainly)
    look_busy(made, 2)
    wait_for(lambda: second_of(made).ready, START)
    second = second_of(made)
    yield made
    second.kill()
    wait_for(lambda: not second.alive, 20)


def look_busy(made: Partner, times: int, running: int = 2, waiting: int = MANY) -> None:
    """Look so often while so many heavy jobs run here and wait."""
    made._running_here += running
    for _ in range(times):
        made.look(waiting)
    made._running_here -= running


def second_of(made: Partner) -> Second:
    assert made._second is not None
    return made._second


def run(made: Partner, name: str, /, **args: object) -> None:
    made(known_task(name), 0, args)


def pids(notes: Path) -> dict[str, int]:
    """Where each job ran."""
    found = (re.fullmatch(r"(\S+) begins in (\d+)", line) for line in lines(notes))
    return {match[1]: int(match[2]) for match in found if match}


@pytest.mark.parametrize(
    ("running", "waiting"),
    [(2, [MANY - 1, MANY - 1]), (2, [MANY, 0, MANY]), (1, [MANY, MANY])],
    ids=["few wait", "many for a moment", "many that wait for one another"],
)
def test_it_is_not_started_for_nothing(running: int, waiting: list[int]) -> None:
    made = Partner(["false"], plainly)
    for number in waiting:
        look_busy(made, 1, running, number)
    assert made._second is None


def test_one_that_cannot_be_started_or_dies_at_once_is_not_started_again_and_again() -> None:
    for command in (["/no/such/program"], ["false"]):
        made = Partner(command, plainly)
        look_busy(made, 2)
        if made._second is not None:
            second = made._second
            wait_for(lambda second=second: not second.alive, 20)  # type: ignore[misc]
        look_busy(made, 4)
        assert made._second is None


def test_one_job_runs_in_the_worker_and_the_next_beside_it(pair: Partner, notes: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(run, pair, "tests.heavy", notes=str(notes), name="first", seconds=1.0)
        wait_for(lambda: "first" in pids(notes), 20)
        others = [pool.submit(run, pair, "tests.heavy", notes=str(notes), name=name, seconds=0.5) for name in ("b", "c")]
        light = pool.submit(run, pair, "tests.note", notes=str(notes), line="light")
        for one in (first, *others, light):
            one.result()
    ran = pids(notes)
    assert ran["first"] == os.getpid()
    assert sorted([ran["b"], ran["c"]]) == sorted([os.getpid(), second_of(pair).pid])


def test_a_job_that_fails_there_is_told_there_and_fails_here(pair: Partner, notes: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(run, pair, "tests.heavy", notes=str(notes), name="busy", seconds=1.0)
        wait_for(lambda: "busy" in pids(notes), 20)
        with pytest.raises(Failed, match="OSError"):
            run(pair, "tests.heavy_fail", notes=str(notes))
        busy.result()
    assert f"tried in {second_of(pair).pid}" in lines(notes)
    assert "failed: OSError" in lines(notes)


@pytest.mark.fault
def test_the_job_of_a_second_process_that_dies_fails_and_the_next_one_runs_here(pair: Partner, notes: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(run, pair, "tests.heavy", notes=str(notes), name="busy", seconds=2.0)
        wait_for(lambda: "busy" in pids(notes), 20)
        doomed = pool.submit(run, pair, "tests.heavy", notes=str(notes), name="doomed", seconds=60.0)
        wait_for(lambda: "doomed" in pids(notes), 20)
        os.kill(second_of(pair).pid, signal.SIGKILL)
        with pytest.raises(Died):
            doomed.result(5)
        run(pair, "tests.heavy", notes=str(notes), name="next", seconds=0.0)
        busy.result()
    assert pids(notes)["next"] == os.getpid()
    pair.look(0)
    assert pair._second is None


def test_a_job_that_never_came_to_a_process_that_is_gone_runs_here(pair: Partner, notes: Path) -> None:
    second = second_of(pair)
    os.kill(second.pid, signal.SIGKILL)
    wait_for(lambda: not second.alive, 20)
    second.ready = True  # as in the moment before its death is noticed
    pair._running_here = 1
    task = known_task("tests.heavy")
    pair(task, task.retry.times, {"notes": str(notes), "name": "late", "seconds": 0.0})
    assert pids(notes) == {"late": os.getpid()}


def test_a_job_whose_process_died_too_often_is_given_up(pair: Partner, notes: Path) -> None:
    tried: list[int] = []
    pair._here = lambda _task, attempts, _args: tried.append(attempts)
    pair._running_here = 1
    with ThreadPoolExecutor(1) as pool:
        task = known_task("tests.heavy_fail")
        slow = pool.submit(pair, known_task("tests.heavy"), 0, {"notes": str(notes), "name": "slow", "seconds": 60.0})
        wait_for(lambda: "slow" in pids(notes), 20)
        pair._running_here = 2
        os.kill(second_of(pair).pid, signal.SIGSTOP)
        last = ThreadPoolExecutor(1).submit(pair, task, task.retry.times, {"notes": str(notes)})
        wait_for(lambda: second_of(pair).running == 2, 20)
        os.kill(second_of(pair).pid, signal.SIGKILL)
        last.result(5)
        with pytest.raises(Died):
            slow.result(5)
    assert tried == [task.retry.times + 1]


def test_it_ends_when_it_has_had_no_job_for_long_and_another_one_may_follow(
    pair: Partner, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = second_of(pair)
    pair.look(0)
    assert second.alive, "it has just had something to do"
    monkeypatch.setattr(partner, "IDLE", 0.0)
    with ThreadPoolExecutor(1) as pool:
        pair._running_here = 1
        busy = pool.submit(run, pair, "tests.heavy", notes=str(notes), name="busy", seconds=1.0)
        wait_for(lambda: "busy" in pids(notes), 20)
        time.sleep(0.01)
        pair.look(0)
        assert second.alive, "it has a job"
        busy.result()
    pair._running_here = 0
    pair.look(0)
    wait_for(lambda: not second.alive, 20)
    look_busy(pair, 3)
    assert second_of(pair) is not second
    second_of(pair).kill()


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_it_does_not_outlive_its_worker(start_worker: StartWorker, defer: Defer, notes: Path, number: signal.Signals) -> None:
    worker, sent = start_worker(0.2), list[str]()

    def two_processes_work() -> bool:
        ran = pids(notes)
        while len(sent) < len(ran) + 2 * MANY:
            sent.append(f"short-{len(sent)}")
            defer("tests.heavy", notes=str(notes), name=sent[-1], seconds=0.3)
        return len(set(ran.values())) == 2

    wait_for(two_processes_work, START)
    for name in ("long", "longer"):
        defer("tests.heavy", notes=str(notes), name=name, seconds=60.0)
    wait_for(lambda: {"long", "longer"} <= pids(notes).keys(), START)
    (second,) = [one for one in psutil.Process(worker.pid).children() if "partner" in one.cmdline()]
    assert {pids(notes)[name] for name in ("long", "longer")} == {worker.pid, second.pid}

    worker.send_signal(number)

    worker.wait(10)
    second.wait(5)

"""The supervisor: processes that die come back, and nothing stays behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import prepare, status
from ckanext.kzopen.runtime.command import main
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import Process
from ckanext.kzopen.runtime.status import birth_of, running_pid, stop
from ckanext.kzopen.runtime.supervisor import NotReady, Supervisor
from click.testing import CliRunner

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)",
]
PARENT = [sys.executable, "-c", "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"]


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    portal = Portal(Settings(data=tmp_path / "data"))
    portal.make_folders()
    return Supervisor(portal)


def wait_until(condition: Callable[[], bool], supervisor: Supervisor, seconds: float = 5) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        supervisor.look_after()
        time.sleep(0.05)


def test_a_killed_process_is_started_again_and_status_says_so(supervisor: Supervisor) -> None:
    supervisor.start(Process("sleeper", SLEEPER))
    first = supervisor.states["sleeper"].pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: supervisor.states["sleeper"].pid not in (0, first), supervisor)
    shown = json.loads(supervisor.portal.status.read_text())["processes"][0]
    assert (shown["name"], shown["state"], shown["restarts"], shown["last_exit"]) == ("sleeper", "running", 1, -9)
    said = CliRunner().invoke(main, ["status", "--data", str(supervisor.portal.data)]).output
    row = r"^  sleeper +running +\d+\.\d MB  since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, restarted 1×$"
    assert re.search(row, said, re.MULTILINE), said
    supervisor.stop()


def test_another_process_that_got_its_number_is_not_taken_for_the_portal(supervisor: Supervisor) -> None:
    supervisor.write_status()
    assert running_pid(supervisor.portal) == os.getpid()
    supervisor.birth = birth_of(1)  # another process has the number now
    supervisor.write_status()
    assert running_pid(supervisor.portal) is None
    assert stop(supervisor.portal) is False


def test_a_portal_that_does_not_end_is_waited_for_ten_seconds_and_told(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(STUBBORN, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout is not None
        launcher.stdout.readline()
        supervisor.write_status()
        told = json.loads(supervisor.portal.status.read_text()) | {"pid": launcher.pid, "birth": birth_of(launcher.pid)}
        supervisor.portal.status.write_text(json.dumps(told))
        clock = Clock()
        monkeypatch.setattr(status, "time", clock)
        done = CliRunner().invoke(main, ["stop", "--data", str(supervisor.portal.data)])
        launcher.kill()
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: process {launcher.pid} has not ended after 10 s; its log: ")
    assert 10 <= clock.now < 10.5


class Clock:
    """Time that passes only for who sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_preparation_ends_when_nobody_waits_for_it_any_more() -> None:
    child = subprocess.Popen(SLEEPER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with pytest.raises(NotReady):
        prepare._words(child, lambda: True)
    assert child.wait(timeout=5) == -signal.SIGKILL


def test_each_death_in_a_row_is_followed_by_a_longer_pause(supervisor: Supervisor) -> None:
    supervisor.start(Process("dies", [sys.executable, "-c", "raise SystemExit(3)"]))
    pauses = []
    for _ in range(2):
        wait_until(lambda: "dies" in supervisor.again_at, supervisor)
        pauses.append(round(supervisor.again_at["dies"] - time.monotonic(), 1))
        wait_until(lambda: "dies" not in supervisor.again_at, supervisor)
    assert pauses[0] < pauses[1]
    supervisor.stop()


def test_a_process_that_does_its_work_once_is_not_started_again(supervisor: Supervisor) -> None:
    supervisor.start(Process("once", [sys.executable, "-c", "pass"], lasting=False))
    wait_until(lambda: supervisor.states["once"].state == "done", supervisor)
    assert not supervisor.again_at
    supervisor.stop()


def test_stopping_leaves_no_process_behind_within_ten_seconds(supervisor: Supervisor) -> None:
    for name, command in {"sleeper": SLEEPER, "stubborn": STUBBORN, "parent": PARENT}.items():
        supervisor.start(Process(name, command))
    time.sleep(1)
    family = [
        p for child in supervisor.running.values() for p in (psutil.Process(child.pid), *psutil.Process(child.pid).children())
    ]
    assert len(family) == 4
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 10
    time.sleep(0.2)
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert not supervisor.portal.status.exists()


def test_a_process_that_never_answers_is_named(supervisor: Supervisor) -> None:
    mute = Process("mute", SLEEPER, answers=lambda: False)
    supervisor.start(mute)
    with pytest.raises(NotReady, match="mute"):
        supervisor.wait_for(mute, 0.3)
    supervisor.stop()

"""The fork server of a running portal: what is born of it is the supervisor's, and lives on when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.births import Births
from ckanext.kzopen.runtime.forkserver import ROLES
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import FORKSERVER, Process
from ckanext.kzopen.runtime.status import memory_of
from ckanext.kzopen.runtime.supervisor import Supervisor

from tests.conftest import LivePortal

WITHIN = 60.0


def processes(portal: LivePortal) -> dict[str, dict[str, Any]]:
    told = json.loads((portal.data / "run" / "status.json").read_text())
    return {row["name"]: row for row in told["processes"]}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def are_running(portal: LivePortal) -> bool:
    return all(row["state"] in ("running", "done") for row in processes(portal).values())


def kill(portal: LivePortal, *names: str) -> None:
    pids = [processes(portal)[name]["pid"] for name in names]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not {row["pid"] for row in processes(portal).values()} & set(pids))
    until(lambda: are_running(portal))


def test_those_born_of_it_are_the_supervisors_children_in_sessions_of_their_own(live_portal: LivePortal) -> None:
    supervisor = json.loads((live_portal.data / "run" / "status.json").read_text())["pid"]
    for name in ROLES:
        pid = processes(live_portal)[name]["pid"]
        assert (psutil.Process(pid).ppid(), os.getsid(pid)) == (supervisor, pid)
        assert psutil.Process(pid).name() == f"kzopen {name}"[:15]


def test_it_keeps_no_connection_that_another_could_speak_through(live_portal: LivePortal) -> None:
    server = psutil.Process(processes(live_portal)[FORKSERVER]["pid"])
    assert {one.raddr or one.laddr for one in server.net_connections("all")} <= {""}


def test_what_they_share_is_counted_once(live_portal: LivePortal) -> None:
    """Each alone takes about 150 MB."""
    names = (FORKSERVER, "ckan-worker")
    assert sum(memory_of(processes(live_portal)[name]["pid"]) for name in names) < 180


def test_it_dies_alone_and_comes_back(live_portal: LivePortal) -> None:
    before = processes(live_portal)
    kill(live_portal, FORKSERVER)
    after = processes(live_portal)
    assert [after[name]["pid"] for name in ROLES] == [before[name]["pid"] for name in ROLES]
    assert after[FORKSERVER]["restarts"] == before[FORKSERVER]["restarts"] + 1
    assert httpx.get(f"{live_portal.url}/healthz", timeout=30).status_code == 200


def test_who_dies_without_it_is_born_when_it_is_back(live_portal: LivePortal) -> None:
    before = processes(live_portal)
    kill(live_portal, FORKSERVER, "ckan-worker")
    after = processes(live_portal)["ckan-worker"]
    assert (after["restarts"], after["last_exit"]) == (before["ckan-worker"]["restarts"] + 1, -signal.SIGKILL)


def test_orphans_are_buried(live_portal: LivePortal) -> None:
    supervisor = psutil.Process(json.loads((live_portal.data / "run" / "status.json").read_text())["pid"])
    kill(live_portal, "web")  # its workers end after it, as children of the supervisor
    until(lambda: all(child.status() != psutil.STATUS_ZOMBIE for child in supervisor.children()))


SERVER = """
import json, os, socket, sys
line = socket.socket(fileno=os.dup(0))
line.sendall(b"ready\\n")
for order in line.makefile():
    told = json.loads(order)
    if told["role"] == "dies":
        os._exit(1)
    child = os.fork()
    if child == 0:
        open(told["log"], "w").write(json.dumps(told["environment"]))
        os._exit(7)
    line.sendall(f"{child}\\n".encode())
"""


@pytest.fixture
def births(tmp_path: Path) -> Births:
    """Those of a server that forks, but loads nothing."""
    made = Births()
    with made.line() as line:
        subprocess.Popen([sys.executable, "-c", SERVER], stdin=line)
    until(made.ready)
    return made


def test_an_order_carries_log_and_environment(births: Births, tmp_path: Path) -> None:
    born = births.born(Process("web", [], environment={"A": "b"}, role="web"), tmp_path / "log")
    assert born is not None
    until(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text() == '{"A": "b"}')


def test_a_server_that_dies_over_an_order_has_born_nobody(births: Births, tmp_path: Path) -> None:
    assert births.born(Process("web", [], role="dies"), tmp_path / "log") is None
    assert not births.ready()
    assert births.born(Process("web", [], role="web"), tmp_path / "log") is None


def test_a_supervisor_without_one_starts_them_by_their_command(tmp_path: Path) -> None:
    portal = Portal(Settings(data=tmp_path / "data"))
    portal.make_folders()
    supervisor = Supervisor(portal)
    supervisor.start(Process("worker", [sys.executable, "-c", "import time; time.sleep(600)"], role="worker"))
    assert supervisor.states["worker"].state == "running"
    supervisor.stop()

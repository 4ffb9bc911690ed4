"""The fork server of a running portal: what is born of it is the supervisor's, and lives on when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.forkserver import ROLES
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import FORKSERVER, Process
from ckanext.kzopen.runtime.status import memory_of
from ckanext.kzopen.runtime.supervisor import Supervisor

from tests.conftest import ROOT, LivePortal
from tests.runtime.forking import sockets_of, until

WITHIN = 60.0


def processes(portal: LivePortal) -> dict[str, dict[str, Any]]:
    told = json.loads((portal.data / "run" / "status.json").read_text())
    return {row["name"]: row for row in told["processes"]}


def are_running(portal: LivePortal) -> bool:
    """All of them, and those that are born of the fork server have begun to live: each bears its own name."""
    now = processes(portal)
    return all(row["state"] in ("running", "done") for row in now.values()) and all(
        name_of(now[role]["pid"]) == f"kzopen {role}"[:15] for role in ROLES
    )


def name_of(pid: int) -> str:
    """The name of a process as the system shows it; of one that is over: none."""
    try:
        return psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return ""


def kill(portal: LivePortal, *names: str) -> None:
    pids = [processes(portal)[name]["pid"] for name in names]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not {row["pid"] for row in processes(portal).values()} & set(pids), WITHIN)
    until(lambda: are_running(portal), WITHIN)


def test_those_born_of_it_are_the_supervisors_children_in_sessions_of_their_own(live_portal: LivePortal) -> None:
    supervisor = json.loads((live_portal.data / "run" / "status.json").read_text())["pid"]
    for name in ROLES:
        pid = processes(live_portal)[name]["pid"]
        assert (psutil.Process(pid).ppid(), os.getsid(pid)) == (supervisor, pid)
        assert name_of(pid) == f"kzopen {name}"[:15]


def test_it_keeps_no_connection_that_another_could_speak_through(live_portal: LivePortal) -> None:
    kill(live_portal, "ckan-worker")  # so it has loaded CKAN
    assert sockets_of(processes(live_portal)[FORKSERVER]["pid"]) == 1, "the line to the supervisor, and no other"


def test_what_they_share_is_counted_once(live_portal: LivePortal) -> None:
    """Not even a horse of CKAN's worker would need more of its own than it shares."""
    until(lambda: are_running(live_portal), WITHIN)
    pid = processes(live_portal)["ckan-worker"]["pid"]
    assert memory_of(pid) < 0.6 * psutil.Process(pid).memory_info().rss / 2**20


def test_it_dies_alone_and_comes_back(live_portal: LivePortal) -> None:
    kill(live_portal, "ckan-worker")  # so it has loaded CKAN
    before = processes(live_portal)
    kill(live_portal, FORKSERVER)
    after = processes(live_portal)
    assert [after[name]["pid"] for name in ROLES] == [before[name]["pid"] for name in ROLES]
    assert after[FORKSERVER]["restarts"] == before[FORKSERVER]["restarts"] + 1
    assert httpx.get(f"{live_portal.url}/healthz", timeout=30).status_code == 200
    kill(live_portal, "ckan-worker")  # and has loaded it again


@pytest.mark.long
def test_who_dies_without_it_is_born_when_it_is_back(live_portal: LivePortal) -> None:
    kill(live_portal, "ckan-worker")
    before = processes(live_portal)
    kill(live_portal, FORKSERVER, "ckan-worker")
    after = processes(live_portal)["ckan-worker"]
    assert (after["restarts"], after["last_exit"]) == (before["ckan-worker"]["restarts"] + 1, -signal.SIGKILL)


def test_orphans_are_buried(live_portal: LivePortal) -> None:
    supervisor = psutil.Process(json.loads((live_portal.data / "run" / "status.json").read_text())["pid"])
    kill(live_portal, "web")  # its workers end after it, as children of the supervisor
    until(lambda: not any(is_dead(child) for child in supervisor.children()), WITHIN)


def is_dead(process: psutil.Process) -> bool:
    """Whether it has ended and nobody asked for its end yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def told(case: str, folder: Path) -> dict[str, Any]:
    """What a case of `forking` saw in a process of its own."""
    command = [sys.executable, "-m", "tests.runtime.forking", case, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_life_has_its_log_its_variables_and_its_exit_code(tmp_path: Path) -> None:
    seen = told("life", tmp_path)
    assert (seen["exits"]["code"], seen["fails"]["code"]) == (3, 1)
    assert "LookupError: there is no such thing" in seen["fails"]["log"]
    said = json.loads(seen["tells"]["log"])
    assert (said["variable"], said["session"], said["parent"], said["sockets"]) == ("b", True, seen["supervisor"], 0)


def test_what_a_thread_is_sending_is_sent_to_its_end(tmp_path: Path) -> None:
    """As gunicorn's threads do when a web worker has answered its number of requests."""
    seen = told("life", tmp_path)["answers_still"]
    assert (seen["code"], seen["log"]) == (0, "sent to its end\n")


def test_a_server_that_hangs_is_given_up_and_bears_nobody_later(tmp_path: Path) -> None:
    seen = told("a_server_that_hangs", tmp_path)
    assert (seen["born"], seen["ready"]) == ([False, False], False)
    assert seen["seconds"] < 6


def test_a_server_that_hangs_is_replaced_and_its_orders_are_done(tmp_path: Path) -> None:
    assert told("a_hanging_server_is_replaced", tmp_path) == {FORKSERVER: [True, 1], "one": [True, 1]}


def test_a_server_that_never_loads_is_replaced(tmp_path: Path) -> None:
    assert told("a_server_that_never_loads_is_replaced", tmp_path) == {"another": True, "code": -signal.SIGKILL}


def test_who_goes_on_dying_gets_a_new_server_which_reads_everything_anew(tmp_path: Path) -> None:
    assert told("who_goes_on_dying_gets_a_new_server", tmp_path) == {"deaths": 2, "code": 3}


def test_a_child_whose_server_dies_before_it_is_known_never_lives(tmp_path: Path) -> None:
    assert told("a_server_that_dies_over_a_birth", tmp_path) == {"code": 1, "lived": False}


def test_nobody_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    pids = told("a_supervisor_that_dies", tmp_path)["pids"]
    until(lambda: not any(psutil.pid_exists(pid) and not is_dead(psutil.Process(pid)) for pid in pids), WITHIN)


def test_a_supervisor_without_one_starts_them_by_their_command(tmp_path: Path) -> None:
    portal = Portal(Settings(data=tmp_path / "data"))
    portal.make_folders()
    supervisor = Supervisor(portal)
    supervisor.start(Process("worker", [sys.executable, "-c", "import time; time.sleep(600)"], role="worker"))
    assert supervisor.states["worker"].state == "running"
    supervisor.stop()

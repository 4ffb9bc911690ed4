"""A supervisor and a fork server that loads nothing, in processes of their own: `python -m tests.runtime.forking CASE FOLDER`.

A case prints what it saw as one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import forkserver
from ckanext.kzopen.runtime import supervisor as supervising
from ckanext.kzopen.runtime.births import Births
from ckanext.kzopen.runtime.parenthood import Adopted, take_orphans
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import FORKSERVER, Process

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 20.0
SERVE = (sys.executable, "-m", "tests.runtime.forking", "serve", "-")


def exits() -> None:
    sys.exit(3)


def fails() -> None:
    raise LookupError("there is no such thing")


def tells() -> None:
    told = {"variable": os.environ["A"], "session": os.getsid(0) == os.getpid(), "parent": os.getppid()}
    print(json.dumps(told | {"sockets": sockets_of(os.getpid())}))


def answers_still() -> None:
    """Its main thread ends while another one is at work."""
    threading.Thread(target=lambda: (time.sleep(0.5), print("sent to its end"))).start()
    sys.exit(0)


def lives() -> None:
    time.sleep(600)


ROLES = {one.__name__: one for one in (exits, fails, tells, answers_still, lives)}


def sockets_of(pid: int) -> int:
    """How many sockets a process has open, however they are connected."""
    found = (os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    return len({name for name in found if name.startswith("socket:")})


def serve(_folder: Path) -> None:
    forkserver.ROLES.clear()
    forkserver.ROLES.update(ROLES)
    forkserver.serve(socket.socket(fileno=os.dup(0)))


class Supervisor:
    """What the launcher's supervisor does with births, and no more."""

    def __init__(self, folder: Path) -> None:
        take_orphans()
        self.folder, self.births = folder, Births()
        with self.births.line() as line:
            self.server = subprocess.Popen(SERVE, stdin=line.fileno())
        until(self.births.ready)

    def born(self, role: str) -> Adopted | None:
        return self.births.born(Process(role, [], role=role, environment={"A": "b"}), self.folder / role)

    def lived(self, role: str) -> dict[str, Any]:
        child = self.born(role)
        assert child is not None
        return {"code": child.wait(WITHIN), "log": (self.folder / role).read_text()}

    def others(self) -> list[int]:
        """Children besides the server that have not ended."""
        found = [one for one in psutil.Process().children(recursive=True) if one.pid != self.server.pid]
        return [one.pid for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def until(condition: Callable[[], bool], seconds: float = WITHIN) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def life(folder: Path) -> dict[str, Any]:
    supervisor = Supervisor(folder)
    found = {role: supervisor.lived(role) for role in ("exits", "fails", "tells", "answers_still")}
    supervisor.server.kill()
    return found | {"supervisor": os.getpid(), "parent_of_server": supervisor.server.pid}


def supervised(folder: Path) -> supervising.Supervisor:
    """The launcher's own supervisor, with this fork server."""
    portal = Portal(Settings(data=folder / "data"))
    portal.make_folders()
    made = supervising.Supervisor(portal)
    made.start(Process(FORKSERVER, [*SERVE], environment={"PYTHONPATH": str(ROOT)}))
    return made


def look_after(supervisor: supervising.Supervisor, condition: Callable[[], bool]) -> None:
    until(lambda: supervisor.look_after() or condition())


def a_hanging_server_is_replaced(folder: Path) -> dict[str, Any]:
    supervisor = supervised(folder)
    supervisor.start(Process("one", [], role="lives"))
    states = supervisor.states
    look_after(supervisor, lambda: states["one"].state == "running")
    before = {name: state.pid for name, state in states.items()}
    os.kill(before[FORKSERVER], signal.SIGSTOP)
    os.kill(before["one"], signal.SIGKILL)
    look_after(supervisor, lambda: states["one"].pid not in (0, before["one"]))
    found = {name: (state.pid != before[name], state.restarts) for name, state in states.items()}
    supervisor.stop()
    return found


def who_goes_on_dying_gets_a_new_server(folder: Path) -> dict[str, Any]:
    supervising.BACK_OFF = (0.05, 0.05, 0.05)
    supervisor = supervised(folder)
    supervisor.start(Process("one", [], role="exits"))
    server = supervisor.states[FORKSERVER]
    before = server.pid
    look_after(supervisor, lambda: server.pid not in (0, before))
    found = {"deaths": supervisor.deaths["one"], "code": supervisor.states["one"].last_exit}
    supervisor.stop()
    return found


def a_server_that_never_loads_is_replaced(folder: Path) -> dict[str, Any]:
    supervising.LOADS_WITHIN = 0.3
    supervisor = supervised(folder)
    server = supervisor.states[FORKSERVER]
    before = server.pid
    os.kill(before, signal.SIGSTOP)
    look_after(supervisor, lambda: server.restarts == 1)
    supervisor.stop()
    return {"another": server.pid != before, "code": server.last_exit}


def a_server_that_hangs(folder: Path) -> dict[str, Any]:
    supervisor = Supervisor(folder)
    supervisor.server.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    child, took = supervisor.born("lives"), time.monotonic() - began
    again = supervisor.born("lives")
    supervisor.server.send_signal(signal.SIGCONT)
    supervisor.server.wait(WITHIN)  # the line is closed: it has nothing more to do
    until(lambda: not supervisor.others())
    return {"born": [child is not None, again is not None], "seconds": took, "ready": supervisor.births.ready()}


def a_server_that_dies_over_a_birth(folder: Path) -> dict[str, Any]:
    supervisor = Supervisor(folder)
    line = supervisor.births._ours
    assert line is not None
    order = {"role": "lives", "name": "x", "log": str(folder / "x"), "stop_signal": 15, "environment": {}}
    line.sendall((json.dumps(order | {"parent": os.getpid()}) + "\n").encode())
    child = int(line.recv(64))
    supervisor.server.kill()
    return {"code": Adopted(child).wait(WITHIN), "lived": (folder / "x").exists()}


def a_supervisor_that_dies(folder: Path) -> dict[str, Any]:
    supervisor = Supervisor(folder)
    child = supervisor.born("lives")
    assert child is not None
    print(json.dumps({"pids": [child.pid, supervisor.server.pid]}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


CASES = (
    serve,
    life,
    a_server_that_hangs,
    a_server_that_dies_over_a_birth,
    a_supervisor_that_dies,
    a_hanging_server_is_replaced,
    who_goes_on_dying_gets_a_new_server,
    a_server_that_never_loads_is_replaced,
)

if __name__ == "__main__":
    case = next(one for one in CASES if one.__name__ == sys.argv[1])
    if (seen := case(Path(sys.argv[2]))) is not None:
        print(json.dumps(seen))

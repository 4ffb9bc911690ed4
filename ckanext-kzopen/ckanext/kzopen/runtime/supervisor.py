"""Starts processes, restarts those that die, and ends them all; keeps `run/status.json` for `./kzopen status`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from ckanext.kzopen.runtime.births import Births
from ckanext.kzopen.runtime.parenthood import Adopted, end_with_parent, take_orphans
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.processes import FORKSERVER, Process, environment_of
from ckanext.kzopen.runtime.services import as_user, let_through
from ckanext.kzopen.runtime.status import birth_of

PAUSE = 0.1
BACK_OFF = (0.2, 1.0, 2.0, 4.0, 8.0)
STEADY_AFTER = 30.0  # seconds alive after which a death counts as the first again
LOADS_WITHIN = 90.0  # seconds for the fork server
GRACE = 5.0  # seconds between the request to stop and the end by force; all stops within ten


class ProcessDied(Exception):
    """A process ended while it was awaited; its log says why."""


class NotReady(Exception):
    """A process did not answer in time; its log says why."""


@dataclass
class State:
    """What `status` shows of a process: pid (0 = not running), since when (Unix time), how often it was restarted."""

    name: str
    pid: int = 0
    since: float = 0.0
    restarts: int = 0
    state: str = "starting"
    last_exit: int | None = None


class Supervisor:
    """All processes of one portal, in the order in which they were started."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.processes: dict[str, Process] = {}
        self.running: dict[str, subprocess.Popen[bytes] | Adopted] = {}
        self.births = Births()
        self.states: dict[str, State] = {}
        self.again_at: dict[str, float] = {}
        self.deaths: dict[str, int] = {}
        self.stopping = False
        self.birth = birth_of(os.getpid())

    def start(self, process: Process) -> None:
        """Start a process; from now on it is looked after. One that has no fork server to be born of waits for it."""
        self.processes[process.name] = process
        state = self.states.setdefault(process.name, State(process.name))
        child = self._born(process) if self._is_to_be_born(process) else self._executed(process)
        if child is None:
            self.again_at[process.name] = time.monotonic() + PAUSE
        else:
            self.running[process.name] = child
            state.restarts += process.name in self.deaths
            state.pid, state.since, state.state = child.pid, time.time(), "running"
        self.write_status()

    def _is_to_be_born(self, process: Process) -> bool:
        return bool(process.role) and FORKSERVER in self.processes

    def _born(self, process: Process) -> Adopted | None:
        if not self.births.ready():
            return None
        child = self.births.born(process, self._log(process))
        if child is None:
            self._begin_anew()
        return child

    def _begin_anew(self) -> None:
        """End the fork server, which hangs or bears what cannot live: the next one reads everything anew."""
        if FORKSERVER in self.running:
            self.running[FORKSERVER].kill()

    def _log(self, process: Process) -> Path:
        return self.portal.logs / f"{process.name}.log"

    def _executed(self, process: Process) -> subprocess.Popen[bytes]:
        if process.user:
            # Somebody may have closed a folder above since the last start; a restart must not fail for that.
            let_through(self.portal.postgres)
            let_through(self.portal.sockets)
        if process.name == FORKSERVER:
            take_orphans()
        line = self.births.line() if process.name == FORKSERVER else None
        with self._log(process).open("ab") as log, line or nullcontext():
            child: subprocess.Popen[bytes] = subprocess.Popen(
                process.command,
                stdin=line.fileno() if line else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment_of(process),
                cwd="/",
                start_new_session=True,
                preexec_fn=partial(end_with_parent, process.stop_signal),
                **as_user(process.user),
            )
        return child

    def wait_for(self, process: Process, seconds: float) -> None:
        """Wait until a process answers.

        Raises NotReady after `seconds`, ProcessDied when it ended and may not be started again.
        """
        until = time.monotonic() + seconds
        while not process.answers():
            self.look_after()
            if self.stopping or time.monotonic() > until:
                raise NotReady(process.name)
            time.sleep(PAUSE)

    def look_after(self) -> None:
        """One round: note the dead, start again those whose pause is over."""
        for name, child in list(self.running.items()):
            if (code := child.poll()) is not None:
                self._note_death(name, code)
        if FORKSERVER in self.processes:
            self._bury_orphans()
            if not self.births.ready() and time.time() - self.states[FORKSERVER].since > LOADS_WITHIN:
                self._begin_anew()
        for name, at in list(self.again_at.items()):
            held = self._is_to_be_born(self.processes[name]) and not self.births.ready()
            if time.monotonic() >= at and not held and not self.stopping:
                del self.again_at[name]
                self.start(self.processes[name])

    def _bury_orphans(self) -> None:
        """Those whose parents have died end as our children, and stay in the list of processes until somebody asks."""
        ours = {child.pid for child in self.running.values()}
        while (ended := _ended_child()) not in (0, *ours):
            os.waitpid(ended, 0)

    def _note_death(self, name: str, code: int) -> None:
        state = self.states[name]
        del self.running[name]
        _kill_group(state.pid, signal.SIGKILL)
        if name == FORKSERVER:
            self.births.hang_up()
        steady = time.time() - state.since > STEADY_AFTER
        state.pid, state.last_exit, state.since = 0, code, time.time()
        if not self.processes[name].lasting:
            state.state = "done" if code == 0 else "failed"
        else:
            self.deaths[name] = 0 if steady else self.deaths.get(name, -1) + 1
            self.again_at[name] = time.monotonic() + BACK_OFF[min(self.deaths[name], len(BACK_OFF) - 1)]
            state.state = "waiting to restart"
            if self.deaths[name] >= len(BACK_OFF) - 1 and self._is_to_be_born(self.processes[name]):
                self._begin_anew()
        self.write_status()

    def stop(self) -> None:
        """End everything: first what uses the services, then the services; by force after GRACE seconds."""
        self.stopping = True
        self.again_at.clear()
        services = [name for name in ("postgres", "valkey") if name in self.running]
        self._end([name for name in self.running if name not in services])
        self._end(services)
        for state in self.states.values():
            state.state, state.pid = "stopped", 0
        self.portal.status.unlink(missing_ok=True)

    def _end(self, names: Iterable[str]) -> None:
        children = {name: self.running.pop(name) for name in names}
        for name, child in children.items():
            child.send_signal(self.processes[name].stop_signal)
        until = time.monotonic() + GRACE - 1
        for child in children.values():
            try:
                child.wait(max(0.05, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
            _kill_group(child.pid, signal.SIGKILL)
            child.wait()

    def write_status(self) -> None:
        """Replace the status file at once, so that nobody reads half of it."""
        content = {"pid": os.getpid(), "birth": self.birth, "address": self.portal.settings.address, "processes": []}
        content["processes"] = [asdict(state) for state in self.states.values()]
        temporary = self.portal.status.with_suffix(".new")
        temporary.write_text(json.dumps(content))
        temporary.replace(self.portal.status)


def _ended_child() -> int:
    """A child that has ended and that nobody has asked for; 0 when there is none."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return found.si_pid if found else 0


def _kill_group(pid: int, number: signal.Signals) -> None:
    """End what a process started; each process leads a group of its own."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return

"""kill -9 of a running portal's processes, what they were doing at that moment, and how long the portal is not whole then."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import psycopg
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import BACK_OFF

from tests.conftest import NO_TLS, LivePortal

COUNTED = ("worker", "web", "web worker", "postgres")
"""Those whose deaths are the rounds of the long suite."""
OTHERS = ("indexer", "ckan-worker", "valkey", "forkserver")
WHOLE_AGAIN_SECONDS = 15
RECOVERED_WITHIN = 60.0
AWAITED = 20.0
DOING = "SELECT DISTINCT task_name FROM kzopen.procrastinate_jobs WHERE status = 'doing' ORDER BY 1"


@dataclass
class Killer:
    """Kills one process after the other at random moments; `under_way` counts the jobs that ran when one was killed."""

    portal: LivePortal
    choice: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    fallen: list[int] = field(default_factory=list)
    """Process ids that were killed and of whose deaths nobody has waited for the end."""
    since: float = 0.0
    """The clock at the last kill."""

    @property
    def allowed(self) -> float:
        """Seconds after a kill in which the portal must be whole again: 15, or as long as its start took where the machine is
        that busy; and a pause where somebody has died again.
        """
        again = max(self.killed.values(), default=0) > 1
        return max(WHOLE_AGAIN_SECONDS, self.portal.start_seconds) + (BACK_OFF[-1] if again else 0)

    def order(self, rounds: int) -> list[str]:
        """Processes for so many rounds, each kind as often as another, and in addition others."""
        counted = (COUNTED * (rounds // len(COUNTED) + 1))[: rounds - rounds % len(COUNTED)]
        counted += tuple(self.choice.sample(COUNTED, rounds % len(COUNTED)))
        others = OTHERS * max(1, rounds // 12)
        return self.choice.sample(counted + others, len(counted) + len(others))

    def kill(self, name: str, within: float, amid: str = "") -> bool:
        """kill -9 of a process at a moment of the next seconds, or as soon as a job of the task `amid` runs; whether there was
        one."""
        if amid:
            wait_for_job(self.portal, amid)
        else:
            time.sleep(self.choice.uniform(0.05, within))
        doing = jobs_under_way(self.portal)
        pid = pid_of(self.portal, name, self.choice)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        self.since = time.monotonic()
        self.fallen.append(pid)
        self.killed[name] += 1
        self.under_way.update(doing)
        return True

    def wait_whole(self, name: str) -> float:
        """Seconds from the last kill until every death was seen and the portal is whole again: at most those allowed."""
        began = self.since if self.fallen else time.monotonic()
        while missing := not_yet_buried(self.portal, self.fallen) or what_is_missing(self.portal):
            waited = time.monotonic() - began
            assert waited < self.allowed, f"{waited:.0f} s after kill -9 of {name}: {missing}"
            time.sleep(0.2)
        self.fallen.clear()
        took = time.monotonic() - began
        self.longest = max(self.longest, took)
        return took

    def told(self) -> str:
        """What was killed, and in the midst of what."""
        jobs = ", ".join(f"{name} {number}" for name, number in self.under_way.most_common())
        dead = ", ".join(f"{name} {number}" for name, number in self.killed.most_common())
        return f"killed: {dead}; jobs that ran then: {jobs}; longest until whole again: {self.longest:.1f} s"


def pid_of(portal: LivePortal, name: str, choice: random.Random) -> int | None:
    """The process id of one of the portal's processes; a "web worker" is a child of the web server."""
    pids = {row["name"]: row["pid"] for row in status(portal)}
    if name != "web worker":
        return pids[name] or None
    try:
        workers = psutil.Process(pids["web"]).children() if pids["web"] else []
    except psutil.NoSuchProcess:
        return None
    return choice.choice(workers).pid if workers else None


def status(portal: LivePortal) -> list[dict[str, Any]]:
    """The portal's processes as `./kzopen status` tells them."""
    found: list[dict[str, Any]] = json.loads((portal.data / "run" / "status.json").read_text())["processes"]
    return found


def not_yet_buried(portal: LivePortal, fallen: Iterable[int]) -> list[str]:
    """Which of the killed processes the portal still takes for living: the supervisor, or the web server its workers."""
    rows = status(portal)
    taken = {row["pid"] for row in rows}
    for row in rows:
        if row["name"] == "web" and row["pid"]:
            with suppress(psutil.NoSuchProcess):
                taken |= {worker.pid for worker in psutil.Process(row["pid"]).children()}
    return [f"the death of {pid} was not seen" for pid in fallen if pid in taken]


def jobs_under_way(portal: LivePortal) -> list[str]:
    """The tasks of which a job runs at this moment; none while PostgreSQL is away."""
    try:
        with database(portal) as connection:
            return [str(name) for (name,) in connection.execute(DOING).fetchall()]
    except psycopg.OperationalError:
        return []


def wait_for_job(portal: LivePortal, task: str) -> None:
    """Until a job of the task runs, at most AWAITED seconds."""
    until = time.monotonic() + AWAITED
    while task not in jobs_under_way(portal) and time.monotonic() < until:
        time.sleep(0.01)


@contextmanager
def database(portal: LivePortal, name: str = "kzopen") -> Iterator[psycopg.Connection[Any]]:
    """A connection with the portal's main database, or `datastore`."""
    sockets = Portal(Settings(data=portal.data)).sockets
    with psycopg.connect(socket_url("kzopen", name, sockets), connect_timeout=5) as connection:
        yield connection


def rows(portal: LivePortal, statement: str, values: Iterable[Any] = (), name: str = "kzopen") -> list[tuple[Any, ...]]:
    """What a statement says; PostgreSQL may be recovering."""
    until = time.monotonic() + RECOVERED_WITHIN
    while True:
        try:
            with database(portal, name) as connection:
                return connection.execute(statement, tuple(values)).fetchall()
        except psycopg.OperationalError:
            assert time.monotonic() < until, "PostgreSQL does not come back"
            time.sleep(0.2)


def what_is_missing(portal: LivePortal) -> list[str]:
    """What of pages, search and processes does not work; empty when the portal is whole."""
    missing = []
    for path in ("/", "/api/3/action/package_search", "/readyz"):
        try:
            answer = httpx.get(portal.url + path, follow_redirects=True, timeout=10, verify=NO_TLS)
        except httpx.HTTPError as error:
            missing.append(f"{path}: {type(error).__name__}")
        else:
            if answer.status_code != 200:
                missing.append(f"{path}: {answer.status_code} {answer.text[:300] if path == '/readyz' else ''}")
    return missing + [f"{row['name']}: {row['state']}" for row in status(portal) if row["state"] not in ("running", "done")]

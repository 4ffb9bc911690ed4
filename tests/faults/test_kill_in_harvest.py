"""kill -9 of worker, web server and PostgreSQL at random moments of harvests.

Afterwards no item came twice and none was lost, the counts add up, nothing stays "running", and the doctor finds nothing. The
seed is printed; `KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_HARVESTS` makes it longer.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.conftest import LivePortal, portal_at, run_launcher
from tests.faults.test_kill_each_process import pid_of
from tests.publishing.harvest.source import Catalogue, Thing, serving, table

PROCESSES = ("worker", "worker", "postgres", "web worker", "web")
ENDED_WITHIN = 240
REFUSED_WITHIN = 60
OVER = ("finished", "failed", "inconsistent", "cancelled", "awaiting_confirmation")


@pytest.fixture
def own_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivePortal]:
    """A portal without demo content that may be broken, and that may ask this machine."""
    monkeypatch.setenv("KZOPEN_INTERNAL_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("KZOPEN_REQUIRE_SECOND_FACTOR", "false")
    with portal_at(tmp_path / "data", int(os.environ.get("KZOPEN_FAULT_PORT", "5978")), demo=False) as portal:
        yield portal


class Harvest:
    """The harvest API in the operator's name; asks again while the portal is down."""

    def __init__(self, portal: LivePortal) -> None:
        self.portal = portal
        self.headers = {"Authorization": portal.accounts["operator"]["token"]}

    def call(self, method: str, path: str, **body: Any) -> Any:
        until = time.monotonic() + 60
        while True:
            try:
                answer = httpx.request(method, self.portal.url + path, headers=self.headers, json=body or None, timeout=30)
            except httpx.HTTPError:
                assert time.monotonic() < until, path
            else:
                if answer.status_code < 500 and answer.status_code != 409:
                    return answer.json()
                if answer.status_code == 409 and method == "POST":  # the lost answer of an earlier try
                    return answer.json()
                assert time.monotonic() < until, answer.text
            time.sleep(0.5)

    def newest(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "/api/harvest/v1/sources/faults")["runs"][0]
        return found

    def ended(self, before: str) -> dict[str, Any]:
        """The run that is newer than `before`, at its end."""
        until = time.monotonic() + ENDED_WITHIN
        while (found := self.newest())["id"] == before or found["state"] not in OVER:
            assert time.monotonic() < until, found
            time.sleep(0.5)
        return found


@dataclass
class Made:
    """How many versions each data set must have: one for each content with which a run found it, whatever died meanwhile."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)

    def note(self, catalogue: Catalogue) -> None:
        fresh = {name: thing.body for name, thing in catalogue.things.items() if thing.body != self.bodies.get(name)}
        self.versions.update(fresh.keys())
        self.bodies = {name: thing.body for name, thing in catalogue.things.items()}

    def check(self, harvest: Harvest) -> None:
        for name in self.bodies:
            found = harvest.call("GET", f"/api/universal/v1/datasets/{name}/versions")["versions"]
            assert len(found) == self.versions[name], (name, found)


def prepare(harvest: Harvest, catalogue: Catalogue) -> None:
    harvest.call("POST", "/api/3/action/organization_create", name="faults")
    settings = catalogue.settings()
    harvest.call("POST", "/api/harvest/v1/sources", name="faults", kind="json_api", agency="faults", settings=settings)
    harvest.call("POST", "/api/harvest/v1/sources/faults/runs", purpose="preview")
    harvest.ended("")
    answer = harvest.call("POST", "/api/harvest/v1/sources/faults/switch_on")
    assert answer.get("state") == "active", answer


def change(catalogue: Catalogue, choice: random.Random, number: int) -> None:
    """New items, changed ones, and one that is gone."""
    names = list(catalogue.things)
    for name in choice.sample(names, min(5, len(names))):
        catalogue.things[name] = Thing(table(3 + number, number), str(number))
    if len(names) > 8:
        del catalogue.things[choice.choice(names)]
    catalogue.fill(6, 100 + number * 10)


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(7200)
def test_no_item_is_lost_or_doubled_when_processes_are_killed(own_portal: LivePortal) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    rounds = int(os.environ.get("KZOPEN_FAULT_HARVESTS", "2"))
    print(f"seed {seed}, rounds {rounds}")
    choice = random.Random(seed)
    with serving(Catalogue()) as catalogue:
        catalogue.fill(8)
        harvest, made = Harvest(own_portal), Made()
        prepare(harvest, catalogue)
        for number in range(1, rounds + 1):
            change(catalogue, choice, number)
            made.note(catalogue)
            before = harvest.newest()["id"]
            harvest.call("POST", "/api/harvest/v1/sources/faults/runs", purpose="harvest")
            killed = kill_some(own_portal, choice)
            run = harvest.ended(before)
            print(
                f"  {number}: killed {killed}: " + ", ".join(f"{k} {run[k]}" for k in ("seen", "added", "changed", "failed"))
            )
            check(own_portal, harvest, catalogue, run)
            made.check(harvest)
    said = run_launcher("doctor", "--data", str(own_portal.data))
    assert "all is well" in said, said


@pytest.mark.fault
@pytest.mark.timeout(1200)
def test_a_full_disk_ends_no_run_and_loses_nothing_once_there_is_room(own_portal: LivePortal) -> None:
    """No file of the worker may grow beyond a bound for a while, as on a disk without room."""
    with serving(Catalogue()) as catalogue:
        catalogue.fill(4)
        harvest = Harvest(own_portal)
        prepare(harvest, catalogue)
        for number in range(4):
            catalogue.things[f"large-{number}"] = Thing(table(2000, number), "1")
        pid = pid_of(own_portal, "worker", random.Random(1))
        assert pid
        worker = psutil.Process(pid)
        worker.rlimit(psutil.RLIMIT_FSIZE, (4096, psutil.RLIM_INFINITY))
        before = harvest.newest()["id"]
        harvest.call("POST", "/api/harvest/v1/sources/faults/runs", purpose="harvest")
        wait_until_refused(own_portal)
        found = harvest.newest()
        assert (found["under_way"], found["failed"]) == (True, 0), found
        assert found["left"] >= 1, found
        worker.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        run = harvest.ended(before)
        assert (run["state"], run["added"], run["failed"]) == ("finished", 8, 0), run
        check(own_portal, harvest, catalogue, run)


def wait_until_refused(portal: LivePortal) -> None:
    """Wait until the worker has written more than it may."""
    log, until = portal.data / "logs" / "worker.log", time.monotonic() + REFUSED_WITHIN
    while os.strerror(errno.EFBIG) not in log.read_text(errors="replace"):
        assert time.monotonic() < until, "the disk was not full"
        time.sleep(0.2)


def kill_some(portal: LivePortal, choice: random.Random) -> list[str]:
    """Kill one to three processes at moments within a run."""
    killed = []
    for name in choice.sample(PROCESSES, choice.randint(1, 3)):
        time.sleep(choice.uniform(0.05, 3.0))
        pid = pid_of(portal, name, choice)
        if pid:
            os.kill(pid, signal.SIGKILL)
            killed.append(name)
    return killed


def check(portal: LivePortal, harvest: Harvest, catalogue: Catalogue, run: dict[str, Any]) -> None:
    """The catalogue and the portal agree, item by item, and each change made one version."""
    assert run["state"] == "finished", run
    assert run["seen"] == sum(run[name] for name in ("added", "changed", "unchanged", "removed", "failed")), run
    assert run["failed"] == 0, harvest.call("GET", f"/api/harvest/v1/runs/{run['id']}/items?outcome=failed")
    found = httpx.get(f"{portal.url}/api/3/action/package_list", headers=harvest.headers, timeout=30).json()["result"]
    assert sorted(found) == sorted(catalogue.things)
    for name, thing in catalogue.things.items():
        versions = harvest.call("GET", f"/api/universal/v1/datasets/{name}/versions")["versions"]
        assert versions[0]["rows"] == thing.body.count(b"\n") - 1, name

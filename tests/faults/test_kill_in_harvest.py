"""kill -9 of worker, web server and PostgreSQL at random moments of harvests, while somebody reads and starts runs.

A round is one death of a worker, of the web server or one of its workers, or of PostgreSQL; the other processes die in
addition. After each harvest no item came twice and none was lost, every run's counts add up and nothing stays "running"; in
the end rows, versions, packages, DataStore and the search engine's answers agree with the catalogue, and the doctor finds
nothing. The seed is printed; `KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_HARVESTS` is the number of rounds
(`./kzopen test faults`: 100). The short form is `test_deaths_in_harvest` with its few deaths.
"""

from __future__ import annotations

import errno
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.conftest import NO_TLS, LivePortal, free_port, portal_at
from tests.faults import agreement, killing
from tests.faults.harvests import COUNTS, Expected, check_tables, counts_of
from tests.publishing.harvest.source import Catalogue, Thing, serving, table

ROUNDS = int(os.environ.get("KZOPEN_FAULT_HARVESTS", "2"))
ENDED_WITHIN = 240
REFUSED_WITHIN = 60
OVER = ("finished", "failed", "inconsistent", "cancelled", "awaiting_confirmation")
RUNS = """
    SELECT id::text, state, seen, added, changed, unchanged, removed, failed FROM kzopen.harvest_run
    WHERE purpose = 'harvest' ORDER BY created
"""
OUTCOMES = "SELECT outcome, count(*), count(DISTINCT guid) FROM kzopen.harvest_item WHERE run_id = %s GROUP BY 1"
FAILED = "SELECT guid, error, error_params FROM kzopen.harvest_item WHERE outcome = 'failed'"


@pytest.fixture
def own_portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivePortal]:
    """A portal without demo content that may be broken, and that may ask this machine."""
    monkeypatch.setenv("KZOPEN_INTERNAL_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("KZOPEN_REQUIRE_SECOND_FACTOR", "false")
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
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
                answer = httpx.request(
                    method, self.portal.url + path, headers=self.headers, json=body or None, timeout=30, verify=NO_TLS
                )
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

    def over(self) -> None:
        """Until no run is under way."""
        until = time.monotonic() + ENDED_WITHIN
        while (found := self.newest())["state"] not in OVER:
            assert time.monotonic() < until, found
            time.sleep(0.5)

    def ended(self, before: str) -> dict[str, Any]:
        """The run that is newer than `before`, at its end."""
        until = time.monotonic() + ENDED_WITHIN
        while (found := self.newest())["id"] == before or found["state"] not in OVER:
            assert time.monotonic() < until, found
            time.sleep(0.5)
        return found


@dataclass
class Visitor:
    """Somebody who reads what a harvest does, and starts further ones: what is answered must be right at each moment."""

    portal: LivePortal
    looks: int = 0
    started: int = 0
    unanswered: int = 0

    def visit(self, stop: threading.Event) -> None:
        """Until told to stop; while the portal is in pieces there is no answer."""
        while not stop.is_set():
            try:
                self.look()
            except (httpx.HTTPError, Unanswered):
                self.unanswered += 1
            time.sleep(0.3)

    def look(self) -> None:
        """The newest run with its items, the list of data sets, and a new run where none is under way."""
        run = self.ask("GET", "/api/harvest/v1/sources/faults").json()["runs"][0]
        items = self.ask("GET", f"/api/harvest/v1/runs/{run['id']}/items?limit=1000").json()
        names = [item["guid"] for item in items]
        assert len(set(names)) == len(names), "an item comes twice"
        if run["state"] == "finished":
            assert len(items) == sum(counts_of(run).values()), run
        found = self.ask("GET", "/api/3/action/package_search?rows=1000").json()["result"]
        assert len({package["name"] for package in found["results"]}) == found["count"], "a data set comes twice"
        answer = self.ask("POST", "/api/harvest/v1/sources/faults/runs", json={"purpose": "harvest"})
        assert (answer.status_code, answer.json().get("code")) in [(201, None), (409, "harvest.runs_already")], answer.text
        self.looks += 1
        self.started += answer.status_code == 201

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The answer, 200 except to who starts a run; Unanswered when the portal said that something failed in it."""
        headers = {"Authorization": self.portal.accounts["operator"]["token"]}
        answer = httpx.request(method, self.portal.url + path, headers=headers, timeout=30, verify=NO_TLS, **given)
        if answer.status_code >= 500:
            raise Unanswered
        assert answer.status_code == 200 or method == "POST", f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer


class Unanswered(Exception):
    """The portal could not answer."""


@dataclass
class Counted:
    """The runs that were looked at already."""

    known: set[str] = field(default_factory=set)

    def check(self, portal: LivePortal, wanted: dict[str, int]) -> int:
        """The first of the new runs counted the changes, the others that nothing was to be done; how many there were."""
        new = [row for row in killing.rows(portal, RUNS) if row[0] not in self.known]
        failed = killing.rows(portal, FAILED)
        same = {**dict.fromkeys(COUNTS, 0), "unchanged": sum(wanted.values()) - wanted["removed"]}
        for number, (run, state, *counts) in enumerate(new):
            assert state == "finished", (state, failed)
            found = counts_of(dict(zip(("seen", *COUNTS), counts, strict=True)))
            assert found == (wanted if number == 0 else same), (number, failed)
            items = killing.rows(portal, OUTCOMES, [run])
            assert {outcome: count for outcome, count, _ in items} == {name: n for name, n in found.items() if n}
            assert [count for _, count, _ in items] == [names for *_, names in items], "an item comes twice"
            self.known.add(run)
        assert new, "there was no run"
        return len(new)


def prepare(harvest: Harvest, catalogue: Catalogue) -> None:
    harvest.call("POST", "/api/3/action/organization_create", name="faults")
    settings = catalogue.settings()
    harvest.call("POST", "/api/harvest/v1/sources", name="faults", kind="json_api", agency="faults", settings=settings)
    harvest.call("POST", "/api/harvest/v1/sources/faults/runs", purpose="preview")
    harvest.ended("")
    answer = harvest.call("POST", "/api/harvest/v1/sources/faults/switch_on")
    assert answer.get("state") == "active", answer


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(900 + 60 * ROUNDS)
def test_no_item_is_lost_or_doubled_when_processes_are_killed(own_portal: LivePortal) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    print(f"seed {seed}, rounds {ROUNDS}")
    killer = killing.Killer(own_portal, random.Random(seed))
    order, number, counted, visitor = killer.order(ROUNDS), 0, Counted(), Visitor(own_portal)
    with serving(Catalogue()) as catalogue:
        catalogue.fill(8)
        expected, harvest = Expected(catalogue), Harvest(own_portal)
        prepare(harvest, catalogue)
        while order:
            number += 1
            wanted = expected.change(killer.choice, number)
            died = die_in(own_portal, harvest, visitor, killer, order)
            runs = counted.check(own_portal, wanted)
            check_now(own_portal, expected)
            print(f"  {number}: killed {', '.join(died)}: {runs} runs, the first {wanted}", flush=True)
        print(f"  {killer.told()}")
        print(f"  looked {visitor.looks} times, started {visitor.started} runs, got no answer {visitor.unanswered} times")
        check(own_portal, expected)


def die_in(portal: LivePortal, harvest: Harvest, visitor: Visitor, killer: killing.Killer, order: list[str]) -> list[str]:
    """A harvest in which some processes die soon after one another, while somebody reads and starts more; who died."""
    stop, died = threading.Event(), []
    with ThreadPoolExecutor(1) as pool:
        before = harvest.newest()["id"]
        visiting = pool.submit(visitor.visit, stop)
        try:
            harvest.call("POST", "/api/harvest/v1/sources/faults/runs", purpose="harvest")
            for name in order[: killer.choice.randint(2, 6)]:
                if killer.kill(name, within=4.0):
                    died.append(name)
                    order.remove(name)
            killer.wait_whole(", ".join(died))
            harvest.ended(before)
        finally:
            stop.set()
        visiting.result()
    harvest.over()
    return died


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_full_disk_ends_no_run_and_loses_nothing_once_there_is_room(own_portal: LivePortal) -> None:
    """No file of the worker may grow beyond a bound for a while, as on a disk without room."""
    with serving(Catalogue()) as catalogue:
        catalogue.fill(4)
        harvest = Harvest(own_portal)
        prepare(harvest, catalogue)
        for number in range(4):
            catalogue.things[f"large-{number}"] = Thing(table(2000, number), "1")
        pid = killing.pid_of(own_portal, "worker", random.Random(1))
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
        things = dict(catalogue.things)
        check_now(own_portal, Expected(catalogue, things, Counter(dict.fromkeys(things, 1))))


def wait_until_refused(portal: LivePortal) -> None:
    """Wait until the worker has written more than it may."""
    log, until = portal.data / "logs" / "worker.log", time.monotonic() + REFUSED_WITHIN
    while os.strerror(errno.EFBIG) not in log.read_text(errors="replace"):
        assert time.monotonic() < until, "the disk was not full"
        time.sleep(0.2)


def check_now(portal: LivePortal, expected: Expected) -> None:
    """The tables agree with the catalogue as soon as nothing is left to be read in the outbox."""
    agreement.eventually(lambda: killing.rows(portal, agreement.UNREAD), [], "the outbox")
    check_tables(
        lambda statement: killing.rows(portal, statement),
        lambda statement: killing.rows(portal, statement, name="datastore"),
        expected,
    )


def check(portal: LivePortal, expected: Expected) -> None:
    """All interfaces tell of each item what the catalogue has, of those that are gone nothing, and the doctor is content."""
    check_now(portal, expected)
    packages = {name: agreement.package(portal, name) for name in expected.things}
    for name, thing in expected.things.items():
        rows, number = agreement.of_csv(thing.body), expected.versions[name]
        versions = agreement.versions(portal, name)
        assert [one["number"] for one in versions] == list(range(1, number + 1)), name
        assert packages[name]["title_translated"]["ru"] == thing.title
        assert agreement.of_resource(packages[name]) == (number, len(rows), versions[-1]["sha256"])
        assert agreement.in_file(portal, name) == agreement.in_datastore(portal, name) == rows, name
    searched = {name: agreement.as_searched(package) for name, package in packages.items()}
    assert agreement.all_searched(portal) == searched
    found = agreement.action(portal, "package_search", rows=1000)["results"]
    assert {one["name"]: agreement.of_resource(one) for one in found} == {
        name: agreement.of_resource(package) for name, package in packages.items()
    }
    for name in expected.gone:
        state = agreement.package(portal, name)["state"]
        assert state == "deleted", f"{name} is {state}"
    agreement.check_commands(portal)

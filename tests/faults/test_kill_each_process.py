"""kill -9 of each process, at random moments, while rows are published.

Afterwards nothing acknowledged is lost or doubled, the portal is whole again within 15 s, and the doctor finds nothing.
The seed is printed; `KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_ROUNDS` makes it longer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import LivePortal, free_port, portal_at, run_launcher

PROCESSES = ("web worker", "web", "indexer", "worker", "ckan-worker", "postgres", "valkey")
WHOLE_AGAIN_SECONDS = 15
SHOWN_WITHIN_SECONDS = 60
DATASETS = 3
URI = "fault-{}"
LARGE = 20_000
SCHEMA = {"fields": [{"name": "code", "type": "string"}, {"name": "amount", "type": "integer"}], "primaryKey": ["code"]}


@dataclass
class Publisher(threading.Thread):
    """Sends version after version of one table; remembers what the portal acknowledged, and nothing else."""

    portal: LivePortal
    uri: str
    stop: threading.Event
    acknowledged: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """One delivery after the other until told to stop; a broken connection is an answer that never came."""
        number = 0
        while not self.stop.is_set():
            number += 1
            rows = 10 + number
            body = "code,amount\n" + "".join(f"{n:04d},{n * number}\n" for n in range(rows))
            delivery = self.send(body, f"{self.uri}-{number}")
            if delivery:
                self.acknowledged[delivery] = rows
            time.sleep(0.2)

    def send(self, body: str, key: str, mode: str = "replace") -> str | None:
        """The delivery's id when the portal acknowledged it, else None."""
        address = f"{self.portal.url}/api/universal/v1/datasets/{self.uri}/rows?mode={mode}"
        headers = self.headers | {"Idempotency-Key": key, "Content-Type": "text/csv"}
        try:
            answer = httpx.post(address, content=body, headers=headers, timeout=30)
        except httpx.HTTPError:
            return None
        return str(answer.json()["id"]) if answer.status_code in (200, 201, 202) else None

    @property
    def headers(self) -> dict[str, str]:
        """The operator's token."""
        return {"Authorization": self.portal.accounts["operator"]["token"]}


@dataclass
class Upserter(Publisher):
    """Changes one large table by few rows at a time: each delivery adds one row, and the worker folds after it."""

    def __hash__(self) -> int:
        return id(self)

    def begin(self) -> None:
        """The table as it is before anything is killed."""
        body = "code,amount\n" + "".join(f"{n:05d},{n}\n" for n in range(LARGE))
        delivery = self.send(body, "first")
        assert delivery
        assert final_state(self.portal, delivery)["state"] == "accepted"

    def run(self) -> None:
        """One change after the other until told to stop."""
        number = 0
        while not self.stop.is_set():
            number += 1
            body = f"code,amount\n9{number:05d},1\n{number:05d},-1\n{number + 7:05d},{number}\n"
            delivery = self.send(body, f"{self.uri}-{number}", "upsert")
            if delivery:
                self.acknowledged[delivery] = number
            time.sleep(0.1)


@pytest.fixture
def own_portal(tmp_path: Path) -> Iterator[LivePortal]:
    """A portal without demo content that may be broken."""
    with portal_at(tmp_path / "data", free_port(), demo=False) as portal:
        yield portal


def prepare(portal: LivePortal) -> None:
    """An organisation and three passports."""
    headers = {"Authorization": portal.accounts["operator"]["token"]}
    with httpx.Client(base_url=portal.url, headers=headers, timeout=60) as client:
        client.post("/api/3/action/organization_create", json={"name": "faults"}).raise_for_status()
        for number in (*range(DATASETS), "large"):
            passport = {
                "title": {"kk": "Сынақ кестесі", "ru": "Проверочная таблица"},
                "description": {"kk": "Ақауларды сынау", "ru": "Проверка отказов"},
                "owner": "faults",
                "category": "statistics",
                "periodicity": "AS_NEEDED",
                "schema": SCHEMA,
            }
            client.put(f"/api/universal/v1/datasets/{URI.format(number)}", json=passport).raise_for_status()


def pid_of(portal: LivePortal, name: str, choice: random.Random) -> int | None:
    """The process id of one of the portal's processes; a "web worker" is a child of the web server."""
    status = json.loads((portal.data / "run" / "status.json").read_text())
    pids = {row["name"]: row["pid"] for row in status["processes"]}
    if name != "web worker":
        return pids[name] or None
    workers = psutil.Process(pids["web"]).children() if pids["web"] else []
    return choice.choice(workers).pid if workers else None


def what_is_missing(portal: LivePortal) -> list[str]:
    """What of pages, search and processes does not work; empty when the portal is whole."""
    missing = []
    for path in ("/", "/api/3/action/package_search", "/readyz"):
        try:
            answer = httpx.get(portal.url + path, follow_redirects=True, timeout=10)
        except httpx.HTTPError as error:
            missing.append(f"{path}: {type(error).__name__}")
        else:
            if answer.status_code != 200:
                missing.append(f"{path}: {answer.status_code} {answer.text[:300] if path == '/readyz' else ''}")
    status = json.loads((portal.data / "run" / "status.json").read_text())
    return missing + [
        f"{row['name']}: {row['state']}" for row in status["processes"] if row["state"] not in ("running", "done")
    ]


def wait_whole(portal: LivePortal, name: str) -> float:
    """Seconds until the portal is whole again: at most 15, or as long as its start took where the machine is that busy."""
    started = time.monotonic()
    allowed = max(WHOLE_AGAIN_SECONDS, portal.start_seconds)
    while missing := what_is_missing(portal):
        waited = time.monotonic() - started
        assert waited < allowed, f"{waited:.0f} s after kill -9 of {name}: {missing}"
        time.sleep(0.2)
    return time.monotonic() - started


def final_state(portal: LivePortal, delivery: str) -> dict[str, object]:
    """The delivery once it is decided, at most 60 s later."""
    until = time.monotonic() + 60
    while True:
        answer = httpx.get(
            f"{portal.url}/api/universal/v1/deliveries/{delivery}",
            headers={"Authorization": portal.accounts["operator"]["token"]},
            timeout=30,
        )
        assert answer.status_code == 200, f"acknowledged delivery {delivery} is lost: {answer.text}"
        found: dict[str, object] = answer.json()
        if found["state"] not in ("received", "checking", "failed"):
            return found
        assert time.monotonic() < until, f"delivery {delivery} is still {found['state']}"
        time.sleep(0.5)


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_when_processes_are_killed(own_portal: LivePortal) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    rounds = int(os.environ.get("KZOPEN_FAULT_ROUNDS", "1"))
    print(f"seed {seed}, rounds {rounds}")
    choice = random.Random(seed)
    prepare(own_portal)
    stop = threading.Event()
    publishers = [Publisher(own_portal, URI.format(n), stop) for n in range(DATASETS)]
    upserter = Upserter(own_portal, URI.format("large"), stop)
    upserter.begin()
    for publisher in (*publishers, upserter):
        publisher.start()
    for name in choice.sample(PROCESSES * rounds, len(PROCESSES) * rounds):
        time.sleep(choice.uniform(0.2, 2.0))
        pid = pid_of(own_portal, name, choice)
        if pid:
            os.kill(pid, signal.SIGKILL)
        print(f"  killed {name}, whole again after {wait_whole(own_portal, name):.1f} s")
    stop.set()
    for publisher in (*publishers, upserter):
        publisher.join(60)
    assert sum(len(p.acknowledged) for p in publishers) >= len(PROCESSES), "too little was published to prove anything"
    for publisher in publishers:
        check_table(own_portal, publisher)
    check_large_table(own_portal, upserter)
    said = run_launcher("doctor", "--data", str(own_portal.data))
    assert "all is well" in said, said


def check_large_table(portal: LivePortal, upserter: Upserter) -> None:
    """Each accepted change added its row, in one version of its own; DataStore shows the newest."""
    decided = {delivery: final_state(portal, delivery)["state"] for delivery in upserter.acknowledged}
    assert set(decided.values()) == {"accepted"}
    address = f"{portal.url}/api/universal/v1/datasets/{upserter.uri}/versions"
    versions = httpx.get(address, headers=upserter.headers, timeout=30).json()["versions"]
    assert [(row["number"], row["rows"]) for row in reversed(versions)] == [(n + 1, LARGE + n) for n in range(len(versions))]
    made = [version["delivery"] for version in versions]
    assert len(set(made)) == len(made), "two versions of one delivery"
    assert set(upserter.acknowledged) <= set(made)
    assert_shown(portal, upserter.uri, versions[0]["rows"])


def assert_shown(portal: LivePortal, uri: str, rows: int) -> None:
    """DataStore has so many rows; a worker killed between the two commits has a minute to be replaced and to go on."""
    package = httpx.get(f"{portal.url}/api/3/action/package_show?id={uri}", timeout=30).json()["result"]
    address = f"{portal.url}/api/3/action/datastore_search?resource_id={package['resources'][0]['id']}&limit=0"
    until = time.monotonic() + SHOWN_WITHIN_SECONDS
    while (found := httpx.get(address, timeout=30).json()["result"]["total"]) != rows:
        assert time.monotonic() < until, f"DataStore has {found} rows of {uri}, not {rows}"
        time.sleep(0.5)


def check_table(portal: LivePortal, publisher: Publisher) -> None:
    """Each acknowledged delivery made exactly one version with its rows; the newest version is what DataStore shows."""
    decided = {delivery: final_state(portal, delivery) for delivery in publisher.acknowledged}
    assert {state["state"] for state in decided.values()} == {"accepted"}
    versions = httpx.get(
        f"{portal.url}/api/universal/v1/datasets/{publisher.uri}/versions", headers=publisher.headers, timeout=30
    ).json()["versions"]
    numbers = [version["number"] for version in versions]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    made = {version["delivery"]: version["rows"] for version in versions}
    assert len(made) == len(versions), "two versions of one delivery"
    assert {delivery: made.get(delivery) for delivery in publisher.acknowledged} == publisher.acknowledged
    newest = max(versions, key=lambda version: version["number"])
    assert_shown(portal, publisher.uri, newest["rows"])

"""A file system that is really full: what finds no room there is told so, and what was acknowledged is there afterwards.

In the long form stored files and PostgreSQL of a whole portal lie on small file systems of their own, which are filled with a
file; in the short form the portal of this process writes what it receives to such a one. Where nothing may be mounted, the
processes that write there may not let a file grow for a while.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ckan.plugins.toolkit as tk
import httpx
import psutil
import pytest
from ckan.tests.helpers import CKANTestApp

from tests.conftest import ROOT, LivePortal, free_port, portal_at
from tests.faults import test_kill_in_harvest as harvests
from tests.faults.killing import what_is_missing
from tests.faults.publishers import SCHEMA, final_state, register
from tests.publishing.conftest import Agency, Api, agency, passport
from tests.publishing.harvest.source import Catalogue, Thing, serving, table

__all__ = ["agency"]
pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]
SIZES = {"files": 100, "postgres": 900}
"""Megabytes."""
URIS = ("full-body", "full-part", "full-database")
WHOLE_AGAIN = 120
TOLD = {
    "kk": "Орын босағанда дәл осыны қайта жіберіңіз",
    "ru": "Когда место освободится, отправьте то же самое ещё раз",
    "en": "Send the same again when there is room",
}
ROWS = 60_000
BODY = b"code,amount\n" + b"".join(b"%040d,%d\n" % (number, number) for number in range(ROWS))
BALLAST = "ballast"
FULL = (b"No space left on device", b"File too large")
"""What logs say of it."""


class Disk(Protocol):
    """Where a part of the portal's state lies."""

    def fill(self) -> None: ...

    def empty(self) -> None: ...


@dataclass
class Mounted:
    """A file system of its own."""

    folder: Path

    def fill(self) -> None:
        with (self.folder / BALLAST).open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def empty(self) -> None:
        (self.folder / BALLAST).unlink()


@dataclass
class Bounded:
    """The processes that write there, which may not let a file grow beyond a few kilobytes."""

    data: Path
    names: tuple[str, ...]

    def fill(self) -> None:
        self._bound(4096)

    def empty(self) -> None:
        self._bound(resource.RLIM_INFINITY)

    def _bound(self, size: int) -> None:
        status = json.loads((self.data / "run" / "status.json").read_text())
        for row in status["processes"]:
            if row["name"] in self.names and row["pid"]:
                process = psutil.Process(row["pid"])
                for one in (process, *process.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        one.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def small(folder: Path) -> Iterator[None]:
    """A file system with less room than BODY needs; where nothing may be mounted, this process lets no file grow so far."""
    folder.mkdir()
    room, bound = len(BODY) // 3, resource.getrlimit(resource.RLIMIT_FSIZE)
    order = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)]
    if os.environ.get("KZOPEN_FAULT_NO_MOUNT") or subprocess.run(order, capture_output=True, check=False).returncode:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, bound[1]))
        order = []
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bound)
        if order:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_body_without_room_is_told_and_leaves_nothing(
    app: CKANTestApp, agency: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, uri, folder = Api(app, agency.token), f"full-{agency.name[-10:]}", tmp_path / "full"
    assert api.put(uri, passport(agency.name, SCHEMA["fields"], ["code"])).status_code == 201
    key = {"Idempotency_Key": f"the same again {uri}", "Content_Type": "text/csv"}
    with small(folder), monkeypatch.context() as full_up:
        full_up.setitem(tk.config, "kzopen.files_url", f"file://{folder}")
        for language in TOLD:
            answer = api.post(uri, BODY, **key, Accept_Language=language)
            assert (answer.status_code, answer.json["code"]) == (507, "web.no_room"), answer.text
            assert TOLD[language] in answer.json["detail"]
        assert app.get("/about").status_code == 200
        assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert api.get(f"/datasets/{uri}").json["version"] is None
    again = api.post(uri, BODY, **key)
    assert (again.json["state"], again.json["rows"]) == ("accepted", ROWS), again.json


@contextmanager
def disk(data: Path, name: str) -> Iterator[Disk]:
    """The place of files or of PostgreSQL in a portal that has not started yet."""
    folder = data / name
    folder.mkdir(parents=True)
    order = ["mount", "-t", "tmpfs", "-o", f"size={SIZES[name]}m", "tmpfs", str(folder)]
    if os.environ.get("KZOPEN_FAULT_NO_MOUNT") or subprocess.run(order, capture_output=True, check=False).returncode:
        print(f"nothing may be mounted here: {name} lie on this machine's own disk")
        yield Bounded(data, ("web", "worker") if name == "files" else ("postgres",))
        return
    try:
        yield Mounted(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@dataclass
class Full:
    portal: LivePortal
    files: Disk
    postgres: Disk

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.portal.accounts["operator"]["token"]}

    def api(self, **headers: str) -> httpx.Client:
        base = f"{self.portal.url}/api/universal/v1"
        return httpx.Client(base_url=base, headers=self.headers | headers, timeout=120)

    def versions(self, uri: str) -> list[dict[str, Any]]:
        with self.api() as client:
            return list(client.get(f"/datasets/{uri}/versions").json()["versions"])

    def stored(self) -> list[Path]:
        """Bodies, whole or not."""
        found = self.portal.data / "files"
        inbox = [path for name in ("deliveries", "uploads") for path in (found / name).rglob("*")]
        return [path for path in inbox if path.is_file() and path.suffix != ".lock" and path.stat().st_size]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    data = tmp_path_factory.mktemp("full") / "data"
    environment = {
        "KZOPEN_INTERNAL_NETWORKS": "127.0.0.0/8",
        "KZOPEN_REQUIRE_SECOND_FACTOR": "false",
        "KZOPEN_HARVEST_WAIT": "1",
    }
    with ExitStack() as stack:
        disks = {name: stack.enter_context(disk(data, name)) for name in SIZES}
        portal = stack.enter_context(portal_at(data, free_port(), demo=False, environment=environment))
        register(portal, URIS)
        yield Full(portal, disks["files"], disks["postgres"])


@pytest.mark.long
def test_a_body_that_finds_no_room_is_told_and_comes_when_there_is_some(full: Full) -> None:
    uri = URIS[0]
    key = {"Idempotency-Key": "the same again", "Content-Type": "text/csv", "Connection": "close"}
    with full.api(**key) as client:
        full.files.fill()
        try:
            answers = {
                language: client.post(f"/datasets/{uri}/rows", content=BODY, headers={"Accept-Language": language})
                for language in TOLD
            }
            pages = [
                client.get(path).status_code for path in (f"{full.portal.url}/", f"{full.portal.url}/en/dataset/", "/docs")
            ]
            left, shown = full.stored(), full.versions(uri)
        finally:
            full.files.empty()
        for language, answer in answers.items():
            assert (answer.status_code, answer.json()["code"]) == (507, "web.no_room"), answer.text
            assert TOLD[language] in answer.json()["detail"]
        assert (left, shown, pages) == ([], [], [200, 200, 200])
        again = client.post(f"/datasets/{uri}/rows", content=BODY)
        assert again.status_code == 202, again.text
    assert final_state(full.portal, again.json()["id"]) == "accepted"
    assert [version["rows"] for version in full.versions(uri)] == [ROWS]


@pytest.mark.long
def test_a_part_that_finds_no_room_is_sent_again_from_where_the_portal_has_it(full: Full) -> None:
    uri, half = URIS[1], len(BODY) // 2
    with full.api() as client:
        order = {"dataset": uri, "mode": "replace", "length": len(BODY), "media_type": "text/csv"}
        upload = client.post("/uploads", json=order).raise_for_status().json()["id"]
        part = f"/uploads/{upload}"
        client.put(part, content=BODY[:half], headers={"Upload-Offset": "0"}).raise_for_status()
        full.files.fill()
        try:
            with full.api(Connection="close") as closing:  # the rest of the part is not read
                refused = closing.put(part, content=BODY[half:], headers={"Upload-Offset": str(half)})
            has = int(client.head(part).headers["Upload-Offset"])
        finally:
            full.files.empty()
        assert (refused.status_code, refused.json()["code"], half <= has < len(BODY)) == (507, "web.no_room", True)
        client.put(part, content=BODY[has:], headers={"Upload-Offset": str(has)}).raise_for_status()
        whole = client.post(f"{part}/complete", json={"sha256": hashlib.sha256(BODY).hexdigest()}).raise_for_status()
    assert final_state(full.portal, whole.json()["id"]) == "accepted"
    assert [version["rows"] for version in full.versions(uri)] == [ROWS]


@pytest.mark.long
def test_a_harvest_that_finds_no_room_goes_on_when_there_is_some(full: Full) -> None:
    with serving(Catalogue()) as catalogue:
        catalogue.fill(2)
        harvest = harvests.Harvest(full.portal)
        harvests.prepare(harvest, catalogue)
        for number in range(4):
            catalogue.things[f"large-{number}"] = Thing(table(2000, number), "1")
        before, log = harvest.newest()["id"], full.portal.data / "logs" / "worker.log"
        said = log.stat().st_size
        full.files.fill()
        try:
            harvest.call("POST", "/api/harvest/v1/sources/faults/runs", purpose="harvest")
            until = time.monotonic() + harvests.REFUSED_WITHIN
            while not any(sign in log.read_bytes()[said:] for sign in FULL):
                assert time.monotonic() < until, "the disk was not full"
                time.sleep(0.2)
            found = harvest.newest()
        finally:
            full.files.empty()
        assert (found["under_way"], found["failed"]) == (True, 0), found
        run = harvest.ended(before)
        assert (run["state"], run["added"], run["failed"]) == ("finished", 6, 0), run
        assert [full.versions(f"large-{number}")[0]["rows"] for number in range(4)] == [2000] * 4


@pytest.mark.long
def test_a_database_that_finds_no_room_loses_nothing_that_was_acknowledged(full: Full) -> None:
    if not isinstance(full.postgres, Mounted):
        pytest.skip("nothing may be mounted here, and a bound on its files ends PostgreSQL in another way than a full disk")
    uri, log = URIS[2], full.portal.data / "logs" / "postgres.log"
    whole = [sent(full, uri, "replace", ROWS + number) for number in range(3)]
    acknowledged = [str(answer.json()["id"]) for answer in whole if answer is not None]
    said, until = log.stat().st_size, time.monotonic() + WHOLE_AGAIN
    try:
        while not any(sign in log.read_bytes()[said:] for sign in FULL):
            assert time.monotonic() < until, "the database was not full"
            full.postgres.fill()  # the worker is at the tables; what the database gives back meanwhile is taken as well
            answer = sent(full, uri, "upsert", 5000)
            if answer is not None and answer.status_code in (200, 202):
                acknowledged.append(str(answer.json()["id"]))
    finally:
        full.postgres.empty()
    print(f"{len(acknowledged)} acknowledged before the database was full")
    until = time.monotonic() + WHOLE_AGAIN
    while missing := what_is_missing(full.portal):
        assert time.monotonic() < until, missing
        time.sleep(0.5)
    answer = sent(full, uri, "upsert", 100)
    assert answer is not None
    assert answer.status_code in (200, 202), answer.text
    acknowledged.append(str(answer.json()["id"]))
    states = {delivery: final_state(full.portal, delivery) for delivery in acknowledged}
    assert set(states.values()) == {"accepted"}, states
    made = [version["delivery"] for version in full.versions(uri)]
    assert (set(made) >= set(acknowledged), len(made)) == (True, len(set(made))), "lost or doubled"
    assert found_by_doctor(full.portal) <= {"mail"}, "letters wait, for no mail server is set"


def found_by_doctor(portal: LivePortal) -> set[str]:
    """The names of the checks that are not content."""
    command = [str(ROOT / "kzopen"), "doctor", "--data", str(portal.data)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False).stdout
    lines = [line.split() for line in said.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert len(lines) > 5, said
    print(said)
    return {words[1] for words in lines if words[0] != "✓"}


def sent(full: Full, uri: str, mode: str, rows: int) -> httpx.Response | None:
    """The answer to a table of so many rows; None where there was none."""
    body = b"code,amount\n" + b"".join(b"%040d,%d\n" % (number, number) for number in range(rows))
    try:
        with full.api() as client:
            return client.post(f"/datasets/{uri}/rows?mode={mode}", content=body, headers={"Content-Type": "text/csv"})
    except httpx.HTTPError:
        return None

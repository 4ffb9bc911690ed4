"""The search index follows through deaths, full disks and damaged files; afterwards everything is in step without hand work.

The seed is printed; `KZOPEN_FAULT_SEED` repeats a run. `KZOPEN_FAULT_CHANGES` is how many changes are made while the indexer,
the database and the process that changes are killed, `KZOPEN_FAULT_UPDATES` how many documents are updated one by one
(`./kzopen test faults`: 10,000 and 100,000).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import processes, services
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import Supervisor
from ckanext.kzopen.search import store, topics
from ckanext.kzopen.search.document import key_of
from ckanext.kzopen.search.engines.base import EngineError
from ckanext.kzopen.search.engines.tantivy import folder
from ckanext.kzopen.search.engines.tantivy.engine import TantivyEngine
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.search.conftest import SITE, made, migrate

pytestmark = pytest.mark.fault
ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 200
VICTIMS = ("indexer", "postgres", "writer")
SMALL = "size=500k"
TOO_MANY = 70
"""Documents of a few kilobytes that find no room there."""


class Place:
    """A PostgreSQL, an indexer and a process that changes documents, each of which may be killed and comes back."""

    def __init__(self, folder: Path) -> None:
        self.portal = Portal(Settings(data=folder / "data", demo=False, search_url=""))
        self.portal.make_folders()
        services.init_postgres(self.portal)
        self.supervisor = Supervisor(self.portal)
        self.postgres = next(one for one in processes.embedded(self.portal) if one.name == "postgres")
        self.supervisor.start(self.postgres)
        self.supervisor.wait_for(self.postgres, 240)
        services.create_databases(self.portal)
        self.address = socket_url("kzopen", "kzopen", self.portal.sockets)
        self.engine = create_engine(self.address, poolclass=NullPool)
        with self.engine.begin() as connection:
            migrate(connection)
        self.index = folder / "index"
        self.index.mkdir()
        self.ini = folder / "indexer.ini"
        options = f"sqlalchemy.url = {self.address.replace('%', '%%')}\nkzopen.search_path = {self.index}\n"
        self.ini.write_text(f"[app:main]\n{options}", encoding="utf-8")
        self.said = folder / "said.jsonl"
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        commands = {
            "indexer": ["-m", "ckanext.kzopen.search.indexer", str(self.ini)],
            "writer": ["-m", "tests.faults.changing", self.address, str(self.said)],
        }
        self.children[name] = subprocess.Popen([sys.executable, *commands[name]], cwd=ROOT)

    def kill(self, name: str) -> None:
        """kill -9, then what the launcher does: start it again."""
        if name == "postgres":
            os.kill(self.supervisor.states["postgres"].pid, signal.SIGKILL)
            self.supervisor.running["postgres"].wait(30)
            self.supervisor.wait_for(self.postgres, 240)
        else:
            self.children[name].kill()
            self.children[name].wait(30)
            self.start(name)

    def end(self, name: str) -> None:
        self.children[name].kill()
        self.children.pop(name).wait(30)

    def close(self) -> None:
        for name in list(self.children):
            self.end(name)
        self.supervisor.stop()

    def acknowledged(self) -> dict[str, int]:
        """The newest version of each document whose change was committed for certain."""
        if not self.said.exists():
            return {}
        lines = self.said.read_text(encoding="utf-8").splitlines(keepends=True)
        return dict(json.loads(line) for line in lines if line.endswith("\n"))

    def changes(self) -> int:
        return self.said.read_bytes().count(b"\n") if self.said.exists() else 0

    def wait_for_changes(self, count: int) -> None:
        """Until so many more changes were made: what was killed has come back to its work."""
        before, until = self.changes(), time.monotonic() + 120
        while self.changes() < before + count:
            self.supervisor.look_after()
            assert time.monotonic() < until, "nothing changes any more"
            time.sleep(0.01)

    def difference(self) -> str:
        """What is out of step between the outbox, the documents and the index; empty when nothing is."""
        try:
            with self.engine.connect() as connection:
                left = outbox.pending(connection, topics.INDEX).rows
                wanted = store.hashes(connection)
            present = TantivyEngine(self.index).reader().hashes()
        except (SQLAlchemyError, EngineError) as error:
            return str(error).splitlines()[0]
        wrong = [key for key in wanted.keys() | present.keys() if wanted.get(key) != present.get(key)]
        return f"{left} rows wait, {len(wrong)} documents differ" if left or wrong else ""

    def wait_in_step(self, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while said := self.difference():
            self.supervisor.look_after()
            assert time.monotonic() < until, said
            time.sleep(0.2)

    def versions(self) -> dict[str, int]:
        """What the documents of the database say."""
        with self.engine.connect() as connection:
            entries = {one.key: one for one in store.all_entries(connection)}
        names = [f"n{number}" for number in range(DOCUMENTS)]
        return {
            name: int(json.loads(entries[key_of(name, SITE)].stored)["version"])
            for name in names
            if key_of(name, SITE) in entries
        }


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    tmp_path.chmod(0o755)  # PostgreSQL runs under another user
    found = Place(tmp_path)
    try:
        yield found
    finally:
        found.close()


@pytest.mark.timeout(3600)
def test_nothing_is_out_of_step_after_deaths_at_any_moment(place: Place) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    wanted = int(os.environ.get("KZOPEN_FAULT_CHANGES", "150"))
    print(f"seed {seed}, {wanted} changes")
    choice, killed = random.Random(seed), []
    place.start("indexer")
    place.start("writer")
    while place.changes() < wanted or set(killed) != set(VICTIMS):
        place.wait_for_changes(choice.randint(1, max(10, wanted // 20)))
        time.sleep(choice.uniform(0, 0.2))
        killed.append(VICTIMS[len(killed)] if len(killed) < len(VICTIMS) else choice.choice(VICTIMS))
        place.kill(killed[-1])
    place.end("writer")
    place.wait_in_step()
    print(f"{place.changes()} changes, killed {len(killed)} times")
    acknowledged, there = place.acknowledged(), place.versions()
    assert {name: version for name, version in acknowledged.items() if there.get(name, -1) < version} == {}


@pytest.mark.parametrize("damage", ["flipped", "cut", "removed"])
def test_a_damaged_segment_of_a_killed_indexer_is_mended_by_itself(place: Place, damage: str) -> None:
    with place.engine.begin() as connection:
        for number in range(20):
            store.put(connection, made(f"n{number}", version="1"))
    place.start("indexer")
    place.wait_in_step()
    place.end("indexer")
    generation = place.index / os.readlink(place.index / "current")
    # The documents themselves: comparing hashes does not read them, so only the check of all files at the start can tell.
    victim = max(generation.glob("*.store"), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 3] ^= 0xFF
    if damage == "removed":
        victim.unlink()
    else:
        victim.write_bytes(bytes(content) if damage == "flipped" else bytes(content[: len(content) // 2]))
    place.start("indexer")
    place.wait_in_step()
    assert len(TantivyEngine(place.index).reader().hashes()) == 20
    until = time.monotonic() + 30
    while broken := folder.damaged(folder.current(place.index)):
        assert time.monotonic() < until, broken
        time.sleep(0.2)


def test_a_full_disk_stops_nothing_but_the_index_until_there_is_room(place: Place) -> None:
    """A small file system of its own holds the index; writes go on, and the index follows when it has grown."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", SMALL, "none", str(place.index)], capture_output=True).returncode:
        _with_a_quota(place)
        return
    try:
        place.start("indexer")
        _fill(place)
        _is_behind(place)
        subprocess.run(["mount", "-o", "remount,size=256m", str(place.index)], check=True)
        place.wait_in_step()
        place.end("indexer")
    finally:
        subprocess.run(["umount", "-l", str(place.index)], check=True)


def _with_a_quota(place: Place) -> None:
    """Where nothing may be mounted: no file of the indexer may grow beyond a bound."""
    place.start("indexer")
    indexer = psutil.Process(place.children["indexer"].pid)
    indexer.rlimit(psutil.RLIMIT_FSIZE, (60_000, psutil.RLIM_INFINITY))
    _fill(place)
    _is_behind(place)
    indexer.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    place.wait_in_step()


def _fill(place: Place) -> None:
    """More documents than the disk has room for; every write succeeds."""
    chance = random.Random(1)
    for number in range(TOO_MANY):
        notes = " ".join(f"{chance.getrandbits(64):x}" for _ in range(1000))
        with place.engine.begin() as connection:
            store.put(connection, made(f"n{number}", version="1", notes=notes))


def _is_behind(place: Place) -> None:
    time.sleep(3)
    assert place.difference(), "the disk was not full"
    assert place.children["indexer"].poll() is None, "the indexer ended"


@pytest.mark.timeout(7200)
def test_single_updates_leave_no_files_behind(tmp_path: Path) -> None:
    """Each update has a commit of its own; the folder stays under three times the size of a fresh index of these documents."""
    updates = int(os.environ.get("KZOPEN_FAULT_UPDATES", "250"))
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    root = (memory if memory.is_dir() else tmp_path) / f"kzopen-{os.getpid()}-updates"
    try:
        words = [" ".join(f"w{(number * n) % 997}" for n in range(300)) for number in range(DOCUMENTS)]
        entries = [made(f"n{number}", title=f"t{number}", notes=words[number]).entry() for number in range(DOCUMENTS)]
        engine = TantivyEngine(root)
        writer, _count = engine.built(iter(entries))
        writer.close()
        fresh = size_of(root)
        writer = engine.writer()
        for number in range(updates):
            writer.put([entries[number % DOCUMENTS]])
            writer.commit()
        grown = size_of(root)
        writer.close()
        print(f"fresh {fresh:,} bytes, after {updates:,} updates {grown:,} bytes")
        assert len(engine.reader().hashes()) == DOCUMENTS
        assert grown < 3 * fresh
    finally:
        subprocess.run(["rm", "-rf", str(root)], check=True)


def size_of(root: Path) -> int:
    """Bytes of all files below."""
    total = 0
    for path in root.rglob("*"):
        try:
            total += 0 if path.is_symlink() or path.is_dir() else path.stat().st_size
        except FileNotFoundError:
            continue  # tantivy collects what it no longer needs
    return total

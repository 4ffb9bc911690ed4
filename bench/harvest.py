"""Harvesting another CKAN: new data sets, the same again, many sources beside a dead and a dripping one, memory of both
processes of the worker.

The source is `_catalogue.py`, which speaks CKAN's action API and costs next to nothing. A portal of its own in a temporary
directory. The peer of the first figure, ckanext-harvest 1.6, harvests the same catalogue in the same run. It only notes where
tables lie; the bar is over the same result on both sides, data sets whose tables can be read by rows, so xloader's load counts
on the peer's side. The figure against the peer without tables is told beside it.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import socket_url
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.serve import free_port
from ckanext.kzopen.runtime.status import process_rows

from bench import _ckanext_harvest, _xloader_of_all
from bench._ckanext_harvest import Rates
from bench.figures import Figure, at_least, below, faster, told, unproven
from bench.start import ROOT, as_installed, portal

SETS, QUICK_SETS = 2000, 60
PEER_SETS, QUICK_PEER_SETS = 300, 20
"""Fewer for the peer: it takes each like the last, and would need the better part of an hour for 2,000."""
TIMES = 8
SOURCES, QUICK_SOURCES = 50, 8
PUBLISHED, QUICK_PUBLISHED = 20_000, 100
"""Of the run in which the worker's memory is looked at: the better part of half an hour."""
PROCESSES = ("worker", "second_process")
MB = 2**20
EACH = 4
"""Data sets of each of many sources."""
ROWS = 10
"""Rows of each table of `_catalogue.py`."""
DRIPS = 600


def run(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """All figures; `quick` takes fewer data sets and sources."""
    say(f"load {os.getloadavg()[0]:.1f}; the source is a stand-in for CKAN's action API on this machine")
    os.environ |= {"KZOPEN_INTERNAL_NETWORKS": "127.0.0.0/8", "KZOPEN_REQUIRE_SECOND_FACTOR": "false"}
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder:
        data = Path(folder) / "data"
        with as_installed(Path(folder)), portal(ROOT, data, "--no-demo", "--workers", "1") as (_, address):
            bench = Bench(data, address)
            peer = _peer(QUICK_PEER_SETS if quick else PEER_SETS, say)
            figures = [*_new_and_unchanged(bench, QUICK_SETS if quick else SETS, peer, say)]
            figures.append(_beside_slow_ones(bench, QUICK_SOURCES if quick else SOURCES, say))
            figures += _memory(bench, QUICK_PUBLISHED if quick else PUBLISHED, say)
    return figures


class Bench:
    """The harvest API of the portal, in the operator's name."""

    def __init__(self, data: Path, address: str) -> None:
        self.data = data
        token = json.loads(Portal(Settings(data=data)).accounts.read_text())["operator"]["token"]
        self.client = httpx.Client(base_url=address, headers={"Authorization": token}, timeout=120)
        self.post("/api/3/action/organization_create", name="bench")

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.client.post(path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def source(self, name: str, port: int, *, looked_at: bool = True, seconds: int = 30) -> None:
        """A source of kind `ckan`, previewed and switched on when it can be."""
        settings, defaults = {"address": f"http://127.0.0.1:{port}"}, {"prefix": f"{name}-", "seconds": seconds}
        given = {"name": name, "kind": "ckan", "agency": "bench", "settings": settings, "defaults": defaults}
        self.post("/api/harvest/v1/sources", **given)
        if looked_at:
            self.ended(self.start(name, "preview"))
            self.post(f"/api/harvest/v1/sources/{name}/switch_on")

    def start(self, name: str, purpose: str) -> str:
        return str(self.post(f"/api/harvest/v1/sources/{name}/runs", purpose=purpose)["id"])

    def ended(self, number: str) -> dict[str, Any]:
        """The run at its end."""
        while (found := self.client.get(f"/api/harvest/v1/runs/{number}").json())["under_way"]:
            time.sleep(0.5)
        ended: dict[str, Any] = found
        return ended

    def all_found_after(self, run: dict[str, Any], sets: int) -> float:
        """Seconds from the run's beginning until search finds so many data sets; 0 when it did at the first look."""
        looks = 0
        while True:
            found = self.client.get("/api/3/action/package_search?rows=0").json()["result"]["count"]
            if found == sets:
                return (datetime.now(UTC) - datetime.fromisoformat(run["started"])).total_seconds() if looks else 0.0
            looks += 1
            time.sleep(0.1)

    def tables(self) -> int:
        """How many tables of ROWS rows DataStore has; OSError when one has other rows."""
        sockets = Portal(Settings(data=self.data)).sockets
        database, datastore = (socket_url("kzopen", name, sockets) for name in ("kzopen", "datastore"))
        return _xloader_of_all.tables(database, datastore, ROWS)

    @property
    def memory(self) -> tuple[float, float]:
        """MB (PSS) of the worker, and of the second process that it starts while many jobs wait; 0 while there is none."""
        rows = process_rows(Portal(Settings(data=self.data)))
        worker = psutil.Process(next(row.pid for row in rows if row.name == "worker"))
        below = [_pss(child) for child in worker.children(recursive=True)]
        return _pss(worker) / MB, max(below, default=0.0) / MB


def _pss(process: psutil.Process) -> float:
    """Bytes; 0 when it has ended meanwhile."""
    try:
        return float(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0.0


@contextmanager
def catalogue(sets: int, drips: float = 0.0, first: int = 18400) -> Iterator[int]:
    """The port of a catalogue of so many data sets."""
    port = free_port("127.0.0.1", first)
    command = [sys.executable, "-m", "bench._catalogue", str(port), str(sets), *([str(drips)] if drips else [])]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        time.sleep(1)
        yield port
    finally:
        process.kill()
        process.wait()


def seconds_of(found: dict[str, Any]) -> float:
    """How long a run took, by its own clock."""
    return (datetime.fromisoformat(found["finished"]) - datetime.fromisoformat(found["started"])).total_seconds()


def _peer(sets: int, say: Callable[[str], None]) -> Rates | None:
    """Data sets a second of the peer; None, with the reason said, where it cannot be run."""
    try:
        with catalogue(sets) as port:
            return _ckanext_harvest.rates(port, sets, ROWS, say)
    except (subprocess.SubprocessError, OSError) as error:
        words = str(getattr(error, "stderr", ""))[-2000:]
        say(f"ckanext-harvest {_ckanext_harvest.VERSION} could not be run: {error} {words}")
        return None


def _new_and_unchanged(bench: Bench, sets: int, peer: Rates | None, say: Callable[[str], None]) -> Iterator[Figure]:
    with catalogue(sets) as port:
        bench.source("many", port)
        found = bench.ended(bench.start("many", "harvest"))
        assert (found["state"], found["added"]) == ("finished", sets), found
        seconds = max(seconds_of(found), bench.all_found_after(found, sets))
        assert bench.tables() == sets, "not every table is there"
        say(f"{sets} new data sets with a table each: run {seconds_of(found):.1f} s, all found by search {seconds:.1f} s")
        rate = sets / seconds
        if peer is None:
            yield unproven("harvest.new", rate, "/s", f">={TIMES}x ckanext-harvest 1.6 with xloader")
        else:
            yield faster("harvest.new", rate, peer.loaded, TIMES, "/s")
            yield told("harvest.new_against_peer_without_tables", rate, "/s", peer=peer.noted, rate=True)
        again = bench.ended(bench.start("many", "harvest"))
        assert (again["state"], again["unchanged"]) == ("finished", sets), again
        rate = sets / seconds_of(again)
        # Of so few items the seconds are those in which the worker takes up the run's job.
        yield at_least("harvest.unchanged", rate, 500, "/s") if sets >= SETS else told("harvest.unchanged", rate, "/s")


def _beside_slow_ones(bench: Bench, sources: int, say: Callable[[str], None]) -> Figure:
    """Harvests of all sources but two: to warm up, alone, then beside a dead and a dripping one; each time of new sources."""
    with catalogue(EACH) as port, catalogue(1, DRIPS) as dripping, _dead() as dead:
        groups = [[f"{group}-{number}" for number in range(sources - 2)] for group in ("warm", "alone", "beside")]
        _switch_on(bench, [name for group in groups for name in group], port)
        bench.source("dead", dead, looked_at=False)
        bench.source("dripping", dripping, looked_at=False)
        warm, alone = (_all_of(bench, names) for names in groups[:2])
        slow = [bench.start(name, "dry") for name in ("dead", "dripping")]
        beside = _all_of(bench, groups[2])
        for number in slow:
            bench.post(f"/api/harvest/v1/runs/{number}/cancel")
    told_of = f"{sources - 2} sources with {EACH} new data sets each: first {warm:.1f} s"
    say(f"{told_of}, alone {alone:.1f} s, beside a dead and a dripping one {beside:.1f} s")
    return below("harvest.beside_slow_sources", beside / alone, 1.2, "x")


@contextmanager
def _dead() -> Iterator[int]:
    """The port of a server that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        yield int(silent.getsockname()[1])


def _switch_on(bench: Bench, names: list[str], port: int) -> None:
    """Sources of one catalogue, all previewed at a time."""
    for name in names:
        bench.source(name, port, looked_at=False)
    for number in [bench.start(name, "preview") for name in names]:
        bench.ended(number)
    for name in names:
        bench.post(f"/api/harvest/v1/sources/{name}/switch_on")


def _all_of(bench: Bench, names: list[str]) -> float:
    """Seconds from the first start to the last end, by the portal's clock."""
    numbers = [bench.start(name, "harvest") for name in names]
    found = [bench.ended(number) for number in numbers]
    assert all((one["state"], one["added"]) == ("finished", EACH) for one in found), found
    began = min(datetime.fromisoformat(one["created"]) for one in found)
    return (max(datetime.fromisoformat(one["finished"]) for one in found) - began).total_seconds()


def _memory(bench: Bench, items: int, say: Callable[[str], None]) -> Iterator[Figure]:
    """The worker's two processes during a harvest that publishes so many new data sets with a table each, looked at twice a
    second; each has to keep within the bar.
    """
    with catalogue(items) as port:
        bench.source("memory", port)
        before, over, seen = bench.memory[0], threading.Event(), list[tuple[float, float]]()
        watch = threading.Thread(target=_look, args=(bench, over, seen))
        watch.start()
        try:
            found = bench.ended(bench.start("memory", "harvest"))
        finally:
            over.set()
            watch.join()
        assert (found["state"], found["added"]) == ("finished", items), found
    say(f"{items} new data sets published in {seconds_of(found):.0f} s; worker {before:.0f} MB before")
    for name, sizes in zip(PROCESSES, zip(*seen, strict=True), strict=True):
        yield from _of_process(name, [size for size in sizes if size], items, say)


def _of_process(name: str, sizes: list[float], items: int, say: Callable[[str], None]) -> Iterator[Figure]:
    """The bar, and that it is flat: the last quarter of the time takes no more than the second, but for what an allocator
    keeps."""
    if not sizes:
        say(f"{name}: there was none")
        return
    quarter = max(1, len(sizes) // 4)
    early, late = statistics.fmean(sizes[quarter : 2 * quarter] or sizes), statistics.fmean(sizes[-quarter:])
    say(f"{name}: {sizes[0]:.0f} MB at first, at most {max(sizes):.0f} MB")
    figure = f"harvest.{name}_memory"
    yield below(figure, max(sizes), 300, "MB")
    growth = f"{figure}_growth", late / early
    yield below(*growth, 1.1, "x") if items >= PUBLISHED else told(*growth, "x")


def _look(bench: Bench, over: threading.Event, seen: list[tuple[float, float]]) -> None:
    while not over.wait(0.5):
        seen.append(bench.memory)

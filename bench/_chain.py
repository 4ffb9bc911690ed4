"""A day of small upserts into a large table: what they add to the disk, and what reading the newest version costs then.

The product's own functions on files alone, folded as the worker folds; no database. The rows as they were, which the worker
takes from DataStore, come from memory here.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from ckanext.kzopen.rows import chain, changes, reading, store
from ckanext.kzopen.rows.chain import Link
from ckanext.kzopen.rows.reading import Table
from ckanext.kzopen.rows.store import PLACE
from ckanext.kzopen.validation.check import check_file

from bench import _million
from bench.figures import Figure, at_most, below

TIMES, QUICK_TIMES, ROWS = 1440, 288, 100
READS = 5
URI = "day"


class Latest:
    """The table as it is now: the first version, and the rows put over it by their numbers."""

    def __init__(self, whole: pa.Table) -> None:
        self.whole = whole
        self._over: dict[int, dict[str, Any]] = {}

    def put(self, changed: pa.Table) -> None:
        """Take the rows of a change, which has their numbers in PLACE."""
        for row in changed.to_pylist():
            self._over[row.pop(PLACE)] = row

    def look(self, places: list[int]) -> pa.Table:
        """The rows with these numbers, from 1, in this order."""
        rows = self.whole.take([place - 1 if place <= self.whole.num_rows else 0 for place in places]).to_pylist()
        return pa.Table.from_pylist(
            [self._over.get(place, row) for place, row in zip(places, rows, strict=True)], self.whole.schema
        )

    def agrees(self, newest: pa.Table) -> bool:
        """Whether `newest` has the rows that were put, and in one of a hundred places the others."""
        places = sorted({*self._over, *range(1, newest.num_rows + 1, 100)})
        return bool(newest.take([place - 1 for place in places]).cast(self.whole.schema).equals(self.look(places)))


def figures(folder: Path, count: int, quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Bytes added and reading time of the newest version."""
    folder.mkdir()
    url, times = f"file://{folder}", QUICK_TIMES if quick else TIMES
    latest = Latest(_typed(folder, _million.rows(count)))
    links = [_whole(url, 1, latest.whole)]
    before = _bytes(folder)
    table, expected = Table(url, tuple(links), count), count
    started = time.monotonic()
    for n in range(times):
        sent = _sent(folder, count, n)
        changed = changes.upserted(table, sent, ["code"], latest.look)
        latest.put(changed.table)
        stored = store.write_changes(url, URI, n + 1, n + 2, changed.table)
        links.append(Link(n + 1, n + 2, stored.path, stored.rows))
        table = Table(url, tuple(_folded(url, links, n + 2, changed.rows)), changed.rows)
        expected += changed.difference.added
    added = _bytes(folder) - before
    say(f"{times} upserts of {ROWS} rows in {time.monotonic() - started:.0f} s; {len(table.links)} files are read")
    newest = table.read()
    assert newest.num_rows == expected == table.rows
    assert latest.agrees(newest), "the newest version is not what was sent"
    one = store.write_version(url, "one", 1, newest)
    ours, alone = _read_times(lambda: Table(url, table.links, table.rows).read(), lambda: store.read_version(url, one.path))
    assert store.read_version(url, one.path).equals(newest), "the chain and one file have not the same rows"
    return [
        below("deliver.chain_bytes", added / 1e6, 200, "MB"),
        at_most("deliver.chain_read", ours, 2 * alone, "s", peer=alone),
    ]


def _typed(folder: Path, rows: pa.Table) -> pa.Table:
    checked = check_file(_million.write(folder / "sent.csv", rows), _million.SCHEMA)
    (folder / "sent.csv").unlink()
    assert checked.table is not None, checked.report
    return checked.table


def _sent(folder: Path, count: int, seed: int) -> pa.Table:
    """ROWS rows, of which one in ten is new."""
    chance = random.Random(seed)
    known = [f"KZ{number:010d}" for number in chance.sample(range(count), ROWS - ROWS // 10)]
    new = [f"KZ{count + seed * ROWS + n:010d}" for n in range(ROWS // 10)]
    return _typed(folder, _million.rows(ROWS, seed=seed).set_column(0, "code", [known + new]))


def _whole(url: str, number: int, table: pa.Table) -> Link:
    stored = store.write_version(url, URI, number, table, _million.SCHEMA)
    return Link(None, number, stored.path, stored.rows)


def _folded(url: str, links: list[Link], number: int, rows: int) -> list[Link]:
    while (wanted := chain.fold(way := chain.way(links, number), rows)) is not None:
        since, end = wanted
        if since is None:
            links.append(_whole(url, end, Table(url, tuple(way), rows).read()))
            continue
        run = chain.between(way, since, end) or []
        merged = reading.latest([store.read_version(url, link.path) for link in run], rows)
        stored = store.write_changes(url, URI, since, end, merged)
        links.append(Link(since, end, stored.path, stored.rows))
    return way


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))


def _read_times(ours: Callable[[], object], alone: Callable[[], object]) -> tuple[float, float]:
    """Medians of both, measured in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(READS):
        for read, found in zip((ours, alone), times, strict=True):
            started = time.perf_counter()
            read()
            found.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])

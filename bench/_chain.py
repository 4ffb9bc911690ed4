"""A day of small upserts into a large table: what they add to the disk, and what reading the newest version costs then.

The product's own functions: changes are worked out, stored and folded as the worker does it, versions and files noted in the
database of a portal that runs. The rows as they were, which the worker takes from DataStore, come from memory here.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from ckanext.kzopen.rows import chain, changes, duck, folding, reading, store
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.reading import Table
from ckanext.kzopen.rows.store import PLACE, StoredVersion
from ckanext.kzopen.validation.check import check_file
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

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


def figures(folder: Path, count: int, quick: bool, database: str, say: Callable[[str], None]) -> list[Figure]:
    """Bytes added and reading time of the newest version; `database` is the address of the portal's."""
    folder.mkdir()
    url, times = f"file://{folder}", QUICK_TIMES if quick else TIMES
    latest = Latest(_typed(folder, _million.rows(count)))
    engine = create_engine(database)
    with Session(engine) as session:
        first = store.write_version(url, URI, 1, latest.whole, _million.SCHEMA)
        table = _published(session, url, None, first, count)
        before, derived, expected = _bytes(folder), [_derived(session, folder, table)], count
        started = time.monotonic()
        for n in range(times):
            sent = _sent(folder, count, n)
            changed = changes.upserted(table, sent, ["code"], latest.look)
            latest.put(changed.table)
            stored = store.write_changes(url, URI, n + 1, n + 2, changed.table)
            table = _published(session, url, n + 1, stored, changed.rows)
            expected += changed.difference.added
        added = _bytes(folder) - before
        say(f"{times} upserts of {ROWS} rows in {time.monotonic() - started:.0f} s; {len(table.links)} files are read")
        derived.append(_derived(session, folder, table))
    engine.dispose()
    say(f"the DuckDB file of the whole table: {derived[0] / 1e6:.0f} MB at first, {derived[1] / 1e6:.0f} MB afterwards")
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


def _published(session: Session, url: str, since: int | None, stored: StoredVersion, rows: int) -> Table:
    """The next version, noted with its file and folded; the table as it is read then."""
    number, told = 1, {"path": stored.path, "sha256": stored.sha256, "size": stored.size, "rows": rows}
    if since is not None:
        number, sha256 = since + 1, chain.chained(_newest(session).sha256, stored.sha256)
        told |= {"parent": since, "change_sha256": stored.sha256, "sha256": sha256}
    session.add(Version(package_id=URI, uri=URI, number=number, schema=_million.SCHEMA, **told))
    versions.add_file(session, URI, since, number, stored)
    session.commit()
    folding.fold(session, url, URI)
    return reading.table_of(session, url, _newest(session))


def _newest(session: Session) -> Version:
    found = folding.newest(session, URI)
    assert found is not None
    return found


def _derived(session: Session, folder: Path, table: Table) -> int:
    """Bytes of the DuckDB file from which the table is counted."""
    return duck.build(folder / "duckdb", _newest(session), table).stat().st_size


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

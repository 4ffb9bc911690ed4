"""A million rows from the sender's file to the portal's API, an upsert into them, a day of small upserts.

A portal of its own in a temporary directory, generated rows. Peers: a bare COPY of the same file and a bare SQL upsert,
in the same PostgreSQL and the same run; ckanext-xloader in a virtual environment of its own (`_xloader.py`).
"""

from __future__ import annotations

import io
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import psycopg
import pyarrow as pa
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.configuration import addresses
from ckanext.kzopen.runtime.portal import Portal

from bench import _chain, _million, _xloader, start
from bench.figures import Figure, at_most, below

Say = Callable[[str], None]
ROWS, QUICK_ROWS = 1_000_000, 100_000
UPSERTED, TIMES = 1000, 5
ASKED_EVERY = 0.1
"""Seconds between two looks at a delivery that is still under way, or at what the worker does behind it."""
WAITING = {"Prefer": "wait=20"}
"""The sender lets the portal answer when it has done. (`kzopen_client` asks so where a delivery stands, not with its rows, and
sends a body of this size in parts.)"""
FOLDED_WITHIN = 300
FOLDING = "SELECT count(*) FROM kzopen.procrastinate_jobs WHERE task_name = 'rows.fold' AND status IN ('todo', 'doing')"
URI = "million"
TYPES = ("text", "text", "text", "text", "numeric", "int8", "date", "timestamp", "text", "bool")
AS_STORED: dict[str, Callable[[pl.Series], pl.Series]] = {
    "amount": lambda sent: sent.cast(pl.Float64),
    "pieces": lambda sent: sent.cast(pl.Int64),
    "day": lambda sent: sent.str.to_date(),
    "moment": lambda sent: sent.str.to_datetime(),
    "checked": lambda sent: sent == "true",
}
"""How the cells of a sent column are read; of the others as the texts that they are."""
PASSPORT = {
    "title": {"kk": "Төлемдер", "ru": "Платежи"},
    "description": {"kk": "Жасанды төлемдер", "ru": "Искусственные платежи"},
    "owner": "bench",
    "category": "statistics",
    "periodicity": "DAILY",
    "schema": _million.SCHEMA,
}


@dataclass(frozen=True)
class Ground:
    """A running portal, how it is spoken to, and the file that is delivered."""

    portal: Portal
    client: httpx.Client
    file: Path
    rows: int


def run(quick: bool, say: Say) -> list[Figure]:
    """All figures; `quick` has a tenth of the rows, a fifth of the small upserts and no xloader."""
    count = QUICK_ROWS if quick else ROWS
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    say("state: PostgreSQL on the launcher's settings, page cache warm; one delivery before, so that the worker has loaded")
    if quick:
        say(f"--quick: {count:,} rows of {ROWS:,}, {_chain.QUICK_TIMES} small upserts of {_chain.TIMES}; these do not count")
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder:
        file = _million.write(Path(folder) / "million.csv", _million.rows(count))
        say(f"{count:,} rows, {file.stat().st_size / 1e6:.0f} MB of CSV")
        installed = start.as_installed(Path(folder))
        with installed, start.portal(start.ROOT, Path(folder) / "data", "--no-demo") as (_, address):
            portal = Portal(Settings(data=Path(folder) / "data"))
            token = json.loads(portal.accounts.read_text())["operator"]["token"]
            with httpx.Client(base_url=address, headers={"Authorization": token}, timeout=600) as client:
                ground = Ground(portal, client, file, count)
                figures = [*_delivered(ground, say), *_upserted(ground, say)]
            figures += _chain.figures(Path(folder) / "chain", count, quick, addresses(portal)["sqlalchemy.url"], say)
        if not quick:
            figures.append(_xloader.figure(file, figures[0].measured, say))
    return figures


def _delivered(ground: Ground, say: Say) -> list[Figure]:
    """The whole delivery against a bare COPY of its file before and after it, and what the worker needed."""
    ground.client.post("/api/3/action/organization_create", json={"name": "bench"}).raise_for_status()
    for uri in ("warm", URI):
        ground.client.put(f"/api/universal/v1/datasets/{uri}", json=PASSPORT).raise_for_status()
    _publish(ground, "warm", ground.file.read_bytes()[: 1 << 16].rpartition(b"\n")[0] + b"\n", "replace")
    worker = _pid_of_worker(ground.portal)
    Path(f"/proc/{worker}/clear_refs").write_text("5")
    copied = [_bare_copy(ground)]
    seconds, delivery = _publish(ground, URI, ground.file, "replace")
    at_first = _peak_mb(worker)
    _wait_folded(ground)
    peak = _peak_mb(worker)
    say(f"the worker had {at_first:.0f} MB at most until the table was shown, {peak:.0f} MB until it was folded")
    copied.append(_bare_copy(ground))
    _same_rows(ground)
    _same_in_parquet(ground)
    say(f"bare COPY: {copied[0]:.2f} s before, {copied[1]:.2f} s after; the delivery's steps: {_steps(delivery)}")
    bare = statistics.mean(copied)
    return [
        at_most("deliver.whole", seconds, 4 * bare, "s", peer=bare),
        below("deliver.worker_memory", peak, 600, "MB"),
    ]


def _publish(ground: Ground, uri: str, body: Path | bytes, mode: str) -> tuple[float, dict[str, Any]]:
    """Seconds from the first byte sent until every interface shows the version, and the delivery."""
    started = time.perf_counter()
    content = body.open("rb") if isinstance(body, Path) else body
    answer = ground.client.post(
        f"/api/universal/v1/datasets/{uri}/rows?mode={mode}", content=content, headers={"Content-Type": "text/csv"} | WAITING
    )
    found = answer.json()
    while found.get("settled") is None:
        assert found.get("state") in ("received", "checking", "accepted"), found
        time.sleep(ASKED_EVERY)
        found = ground.client.get(f"/api/universal/v1/deliveries/{found['id']}", headers=WAITING).json()
    return time.perf_counter() - started, found


def _steps(delivery: dict[str, Any]) -> str:
    return ", ".join(f"{name} {delivery[name]}" for name in ("received", "finished", "settled"))


def _pid_of_worker(portal: Portal) -> int:
    processes = json.loads(portal.status.read_text())["processes"]
    return next(int(row["pid"]) for row in processes if row["name"] == "worker")


def _peak_mb(pid: int) -> float:
    """The most memory that a process had at one moment since its mark was reset."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _wait_folded(ground: Ground) -> None:
    """Until the worker has done what it does with a table after it is shown: the DuckDB file is made."""
    until = time.monotonic() + FOLDED_WITHIN
    with psycopg.connect(addresses(ground.portal)["sqlalchemy.url"]) as connection:
        while connection.execute(FOLDING).fetchone() != (0,):
            assert time.monotonic() < until, "the table is not folded"
            time.sleep(ASKED_EVERY)
    assert list(ground.portal.data.glob("cache/duckdb/*.duckdb")), "nothing was folded"


def _datastore(ground: Ground) -> psycopg.Connection[Any]:
    return psycopg.connect(addresses(ground.portal)["ckan.datastore.write_url"])


def _bare_copy(ground: Ground) -> float:
    """Seconds that PostgreSQL takes for the file in a typed table without any index."""
    columns = ", ".join(f'"{field["name"]}" {kind}' for field, kind in zip(_million.SCHEMA["fields"], TYPES, strict=True))
    with _datastore(ground) as connection:
        connection.execute("DROP TABLE IF EXISTS _bare")
        connection.execute(f"CREATE TABLE _bare ({columns})")
        connection.commit()
        started = time.perf_counter()
        with ground.file.open("rb") as file, connection.cursor().copy("COPY _bare FROM STDIN (FORMAT csv, HEADER)") as copy:
            while piece := file.read(1 << 20):
                copy.write(piece)
        connection.commit()
        return time.perf_counter() - started


def _same_rows(ground: Ground) -> None:
    """Both sides hold the same rows: the differences of the two tables are empty."""
    names = ", ".join(f'"{field["name"]}"' for field in _million.SCHEMA["fields"])
    with _datastore(ground) as connection:
        resource = _resource(ground)
        for one, other in ((f'"{resource}"', "_bare"), ("_bare", f'"{resource}"')):
            query = f"SELECT count(*) FROM (SELECT {names} FROM {one} EXCEPT ALL SELECT {names} FROM {other}) AS apart"
            row = connection.execute(query.encode()).fetchone()
            assert row == (0,), f"{row} rows of {one} are not in {other}"


def _same_in_parquet(ground: Ground) -> None:
    """The published Parquet file holds the rows of the sender's file, each in its place."""
    answer = ground.client.get(f"/data/{URI}.parquet").raise_for_status()
    stored, sent = pl.read_parquet(io.BytesIO(answer.content)), pl.read_csv(ground.file, infer_schema=False)
    assert stored.height == sent.height == ground.rows
    for name in sent.columns:
        column = AS_STORED.get(name, lambda texts: texts)(sent[name])
        assert stored[name].cast(column.dtype).equals(column), f"{name} is not stored as it was sent"


def _table_mb(ground: Ground, resource: str) -> float:
    """What DataStore's table takes with its indexes."""
    with _datastore(ground) as connection:
        row = connection.execute("SELECT pg_total_relation_size(%s::regclass)", [f'"{resource}"']).fetchone()
    assert row is not None
    return float(row[0]) / 1e6


def _resource(ground: Ground) -> str:
    package = ground.client.get(f"/api/3/action/package_show?id={URI}").json()["result"]
    return str(package["resources"][0]["id"])


def _upserted(ground: Ground, say: Say) -> list[Figure]:
    """Upserts by chance, each seen in the API before the next; the bare ones in a table with the same key and values."""
    with _datastore(ground) as connection:
        connection.execute("ALTER TABLE _bare ADD PRIMARY KEY (code)")
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE _bare")
    resource, ours, bare = _resource(ground), [], []
    before = _table_mb(ground, resource)
    for n in range(TIMES + 1):
        rows = _changed(ground.rows, n)
        bare.append(_bare_upsert(ground, rows))
        body = _million.write(ground.file.with_name("upsert.csv"), rows).read_bytes()
        started = time.perf_counter()
        _publish(ground, URI, body, "upsert")
        last = rows.slice(rows.num_rows - 1).to_pylist()[0]
        found = ground.client.get(
            "/api/3/action/datastore_search",
            params={"resource_id": resource, "filters": json.dumps({"code": last["code"]}), "include_total": "false"},
        ).json()["result"]["records"]
        ours.append(time.perf_counter() - started)
        assert [record["purpose"] for record in found] == [last["purpose"]], "the API does not show the upserted row"
    say(f"upserts of {UPSERTED} rows, ms: {[round(1000 * one) for one in ours]}; bare {[round(1000 * one) for one in bare]}")
    after = _table_mb(ground, resource)
    say(f"DataStore's table: {before:.0f} MB before {TIMES + 1} upserts of {UPSERTED} rows, {after:.0f} MB after them")
    peer = statistics.median(bare[1:])  # the first one warms up
    return [at_most("deliver.upsert", 1000 * statistics.median(ours[1:]), 10_000 * peer, "ms", peer=1000 * peer)]


def _changed(count: int, seed: int) -> pa.Table:
    """UPSERTED rows: nine of ten have codes that are there."""
    known = UPSERTED * 9 // 10
    rows = _million.rows(UPSERTED, seed=100 + seed)
    chance = random.Random(seed)
    codes = [f"KZ{number:010d}" for number in chance.sample(range(count), known)]
    codes += [f"KZ{count + seed * UPSERTED + n:010d}" for n in range(UPSERTED - known)]
    return rows.set_column(0, "code", [codes])


def _bare_upsert(ground: Ground, rows: pa.Table) -> float:
    names = [field["name"] for field in _million.SCHEMA["fields"]]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    with _datastore(ground) as connection:
        started = time.perf_counter()
        connection.execute("CREATE TEMP TABLE sent (LIKE _bare) ON COMMIT DROP")
        with connection.cursor().copy("COPY sent FROM STDIN") as copy:
            for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                copy.write_row(row)
        connection.execute(f"INSERT INTO _bare SELECT * FROM sent ON CONFLICT (code) DO UPDATE SET {changes}".encode())
        connection.commit()
        return time.perf_counter() - started

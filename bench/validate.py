"""How fast a table is checked, against frictionless itself, which finds the same and is right by definition.

First both check a table with faults of every kind, as CSV and as a workbook, and the reports must be equal, message by
message. Then each checks the large one: the schema and the faults are the same, uniqueness, keys, missing and extra cells
included.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import frictionless
from ckanext.kzopen.validation.check import check_file
from frictionless import Dialect, Schema
from frictionless.formats import CsvControl, ExcelControl
from frictionless.resources import TableResource

from bench import _typed_table as tables
from bench.figures import Figure, ratio, told

Say = Callable[[str], None]
ROWS, QUICK_ROWS = 1_000_000, 200_000
PEER_ROWS = (100_000, 200_000)
COMPARED = 20_000
XLSX_ROWS, QUICK_XLSX_ROWS = 100_000, 20_000
BAR_CSV, BAR_XLSX = 25, 10
TRIES = 3
PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"


def run(quick: bool, say: Say) -> list[Figure]:
    """All figures; `quick` has a fifth of the rows, for both."""
    rows, cells = (QUICK_ROWS, QUICK_XLSX_ROWS) if quick else (ROWS, XLSX_ROWS)
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; frictionless {frictionless.__version__}")
    say("state: files just written, so in the page cache; no warm-up but the comparison of reports; ours: best of three")
    with tempfile.TemporaryDirectory(prefix="kzopen-bench-") as folder:
        compared = Path(folder) / "compared.csv", Path(folder) / "compared.xlsx"
        equal = (
            same_report(tables.write_csv(compared[0], COMPARED), CsvControl(delimiter=","), say),
            same_report(tables.write_xlsx(compared[1], COMPARED), ExcelControl(), say),
        )
        same = [told("validate.same_report", equal[0], "rows"), told("validate.same_report_xlsx", equal[1], "rows")]
        return [*same, *csv(Path(folder), rows, say), *xlsx(Path(folder), cells, say)]


def same_report(path: Path, control: Any, say: Say) -> int:
    """Both checks of a smaller table must find the same; a difference ends the bench. How many rows were compared."""
    ours = check_file(path, tables.SCHEMA, limit=10**6).report
    mine = Counter((found.code, found.row, found.field, found.message, found.note) for found in ours.findings)
    theirs = Counter(by_frictionless(path, control))
    if mine != theirs or not mine:
        raise SystemExit(f"the reports differ: {list((mine - theirs).items())[:3]} {list((theirs - mine).items())[:3]}")
    errors = f"{sum(mine.values())} errors of {len(ours.counts)} kinds with their messages"
    say(f"the reports on {path.suffix.removeprefix('.').upper()} of {COMPARED:,} rows are equal, {errors}")
    return COMPARED


def by_frictionless(path: Path, control: Any) -> list[tuple[Any, ...]]:
    """Every error that frictionless finds."""
    schema = Schema.from_descriptor({"$schema": PROFILE, "fieldsMatch": "equal"} | tables.SCHEMA)
    kind = path.suffix.removeprefix(".")
    resource = TableResource(
        path=path.name, basepath=str(path.parent), format=kind, encoding="utf-8", schema=schema,
        dialect=Dialect(controls=[control], header_rows=[1]),
    )  # fmt: skip
    with resource:
        errors = [*resource.header.errors, *(error for row in resource.row_stream for error in row.errors)]
    return [
        (error.type, getattr(error, "row_number", None), getattr(error, "field_name", None) or None, error.message, error.note)
        for error in errors
    ]


def csv(folder: Path, rows: int, say: Say) -> list[Figure]:
    """The CSV: ours whole; frictionless on two smaller ones, scaled by what a row more costs it."""
    path = tables.write_csv(folder / "table.csv", rows)
    size = f"{len(tables.SCHEMA['fields'])} columns, {path.stat().st_size / 1e6:.0f} MB"
    say(f"{rows:,} rows x {size}; schema: bench/_typed_table.py")
    few, more = (timed(partial(by_frictionless, small(folder, count), CsvControl(delimiter=","))) for count in PEER_ROWS)
    per_row = (more - few) / (PEER_ROWS[1] - PEER_ROWS[0])
    off = more / few / (PEER_ROWS[1] / PEER_ROWS[0])
    say(
        f"frictionless: {PEER_ROWS[0]:,} rows in {few:.1f} s, {PEER_ROWS[1]:,} in {more:.1f} s, {off:.2f} of proportional; "
        f"scaled to {rows:,} rows at its {more / PEER_ROWS[1] * 1e6:.0f} µs a row"
    )
    peer = more / PEER_ROWS[1] * rows
    ours = min(timed(lambda: check_file(path, tables.SCHEMA)) for _ in range(TRIES))
    suggested = min(timed(lambda: check_file(path, tables.SCHEMA, suggest=True)) for _ in range(TRIES))
    say(f"ours: {ours:.2f} s; with the repairs that it suggests, as each delivery is checked, {suggested:.2f} s")
    return [
        told("validate.csv.frictionless_us_a_row", per_row * 1e6, "µs"),
        told("validate.csv_with_repairs", suggested, "s", peer),
        ratio("validate.csv", ours, peer, BAR_CSV, "s"),
    ]


def small(folder: Path, rows: int) -> Path:
    path = folder / f"peer-{rows}.csv"
    return path if path.exists() else tables.write_csv(path, rows)


def xlsx(folder: Path, rows: int, say: Say) -> list[Figure]:
    """The workbook: both whole."""
    path = tables.write_xlsx(folder / "table.xlsx", rows)
    ours = min(timed(lambda: check_file(path, tables.SCHEMA)) for _ in range(TRIES))
    peer = timed(lambda: by_frictionless(path, ExcelControl()))
    say(f"XLSX of {rows:,} rows, {path.stat().st_size / 1e6:.1f} MB: ours {ours:.2f} s, frictionless {peer:.1f} s")
    return [ratio("validate.xlsx", ours, peer, BAR_XLSX, "s")]


def timed(work: Callable[[], object]) -> float:
    """Seconds of the clock."""
    started = time.monotonic()
    work()
    return time.monotonic() - started

"""A file of nothing but errors takes no more of Python's memory than one of few: its texts stay in polars' columns."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from ckanext.kzopen.runtime.processes import FRUGAL
from ckanext.kzopen.validation import columns, distinct
from ckanext.kzopen.validation.check import check_file
from ckanext.kzopen.validation.repairs import columns as repairs

ROOT = Path(__file__).parents[2]
ROWS, MOST = 21_000, 9 << 20
FIELDS = [
    {"name": "bin", "type": "string", "constraints": {"pattern": r"\d{12}"}},
    {"name": "amount", "type": "number"},
    {"name": "day", "type": "date"},
]


def test_a_table_of_wrong_cells_is_not_held_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "wrong.csv"
    rows = "".join(f'{n:011d},"{n},5",{n % 28 + 1:02d}.01.{2000 + n % 1000} {n}\n' for n in range(ROWS))
    head = "bin,amount,day\n"
    few = tmp_path / "few.csv"
    few.write_text(head + rows[:30_000], encoding="utf-8")
    path.write_text(head + rows, encoding="utf-8")
    for module in (columns, distinct, repairs):
        monkeypatch.setattr(module, "AT_ONCE", 500)
    check_file(few, {"fields": FIELDS}, suggest=True, limit=10)  # what is loaded and remembered only once
    tracemalloc.start()
    try:
        found = check_file(path, {"fields": FIELDS}, suggest=True, limit=10)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.report.errors == 3 * ROWS
    assert {(one.kind, one.field) for one in found.report.repairs} >= {("short-codes", "bin"), ("number", "amount")}
    assert peak < MOST


MILLION = """
import resource
import sys
from pathlib import Path

from bench import _million
from ckanext.kzopen.validation.check import check_file

file = Path(sys.argv[1])
found = check_file(file, _million.SCHEMA, suggest=True, take=lambda rows: None)
assert found.report.counts == {"type-error": 1_000_000}, found.report.counts
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
WRITTEN = """
import sys
from pathlib import Path

import pyarrow.compute as pc
from bench import _million

rows = _million.rows(1_000_000)
place = rows.schema.get_field_index("amount")
_million.write(Path(sys.argv[1]), rows.set_column(place, "amount", pc.replace_substring(rows.column(place), ".", ",")))
"""
MOST_MB = 600


@pytest.mark.long
def test_a_million_rows_with_a_wrong_column_are_checked_in_600_mb(tmp_path: Path) -> None:
    """In a process of its own, as a worker has it; writing the file in another one, whose peak would count here."""
    path, told = str(tmp_path / "million.csv"), os.environ | FRUGAL
    subprocess.run([sys.executable, "-c", WRITTEN, path], check=True, env=told, cwd=ROOT)
    peak = subprocess.run(
        [sys.executable, "-c", MILLION, path], check=True, env=told, cwd=ROOT, capture_output=True, text=True
    )
    assert int(peak.stdout) <= MOST_MB

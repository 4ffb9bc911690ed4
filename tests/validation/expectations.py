"""The expectations written from the files themselves, and an independent reading of them to compare with."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "expected"
LARGEST_CELL = 10_000_000


def expected(name: str) -> dict[str, dict[str, Any]]:
    """The expectations of one file of `expected`, by path."""
    with (FOLDER / name).open(encoding="utf-8") as file:
        found: dict[str, dict[str, Any]] = yaml.safe_load(file)
    return found


def columns_of(told: Any) -> set[int]:
    """Positions of columns: a list of them, or a range such as 2-18."""
    if isinstance(told, list):
        return set(told)
    first, last = str(told).split("-")
    return set(range(int(first), int(last) + 1))


def by_csv_module(path: Path, wanted: dict[str, Any]) -> list[list[str]]:
    """The records of a text table as Python's csv module reads them with the encoding and delimiter that are expected."""
    text = unpacked(path).decode(wanted.get("encoding", "utf-8"))
    csv.field_size_limit(LARGEST_CELL)
    options: dict[str, Any] = {"delimiter": wanted.get("delimiter", ",")}
    if wanted.get("escaped"):
        options |= {"escapechar": "\\"}
    if f'{options["delimiter"]} "' in text:
        options |= {"skipinitialspace": True}
    return list(csv.reader(io.StringIO(text, newline=""), **options))


def unpacked(path: Path) -> bytes:
    """The bytes of a file, or of the one that it packs."""
    raw = path.read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        return gzip.decompress(raw)
    if raw.startswith(b"PK\x03\x04") and path.suffix not in (".xlsx", ".xlsm", ".ods"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return archive.read(archive.namelist()[0])
    return raw

"""The expectations written from the files themselves, and an independent reading of them to compare with."""

from __future__ import annotations

import csv
import gzip
import io
import re
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


def table_of(corpus: Path, name: str, folder: Path) -> Path:
    """The file that a name of the expectations tells: for `book.xlsx#sheet` a copy in `folder` that lists that sheet alone.

    Nothing but the list of sheets is changed: cells, texts, formats and merged cells stay the bytes they were.
    """
    book, _, sheet = name.partition("#")
    if not sheet:
        return corpus / book
    copy = folder / f"{sheet}.xlsx"
    with zipfile.ZipFile(corpus / book) as from_, zipfile.ZipFile(copy, "w") as to:
        for part in from_.infolist():
            content = from_.read(part)
            if part.filename == "xl/workbook.xml":
                content = _with_one_sheet(content.decode(), sheet).encode()
            to.writestr(part, content)
    return copy


def _with_one_sheet(workbook: str, sheet: str) -> str:
    others = [tag for tag in re.findall(r"<sheet .*?/>", workbook) if f'name="{sheet}"' not in tag]
    for tag in others:
        workbook = workbook.replace(tag, "")
    assert workbook.count("<sheet ") == 1
    return re.sub(r"<definedNames>.*?</definedNames>|<bookViews>.*?</bookViews>", "", workbook, flags=re.DOTALL)


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

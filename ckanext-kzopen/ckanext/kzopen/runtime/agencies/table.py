"""A table of agencies, CSV or XLSX, as the rows that the action `agency_import` takes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
LANGUAGES = ("kk", "ru", "en")
WORDS = tuple(f"{kind}_{language}" for kind in ("name", "short") for language in LANGUAGES)
CODES = {"bin": 12, "kato": 9}
COLUMNS = (*WORDS, "address", "kind", *CODES, "parent", "since")


class NotATable(Exception):
    """The file cannot be read as a table of agencies."""


def read_rows(path: Path) -> list[Row]:
    """The rows with their numbers as a spreadsheet shows them; raises NotATable.

    The first row names the columns; they may stand in any order, and empty rows are passed over.
    """
    lines = list(_workbook(path) if path.suffix.lower() in (".xlsx", ".xls", ".ods") else _delimited(path))
    header = [str(cell).strip().lower() for cell in lines[0]] if lines else []
    unknown = [name for name in header if name and name not in COLUMNS]
    if not set(header) & {"name_kk", "name_ru", "name_en"} or unknown:
        raise NotATable(f"columns not known: {', '.join(unknown) or 'none has a name'}; known are {', '.join(COLUMNS)}")
    filled = ((number, line) for number, line in enumerate(lines[1:], 2) if any(str(cell).strip() for cell in line))
    return [row_of(number, dict(zip(header, line, strict=False))) for number, line in filled]


def row_of(number: int, cells: Row) -> Row:
    """A row for `agency_import`: without what is empty."""
    texts = {name: cell_text(name, cell) for name, cell in cells.items() if name}
    row: Row = {"row": number, "title": _words(texts, "name"), "short": _words(texts, "short")}
    return row | {name: text for name, text in texts.items() if text and name not in WORDS}


def cell_text(column: str, cell: Any) -> str:
    """The cell as text; a code that a spreadsheet keeps as a number gets its leading zeros back."""
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell == int(cell):
        return f"{int(cell):0{CODES.get(column, 1)}d}"
    return str(cell).strip()


def _words(texts: dict[str, str], kind: str) -> dict[str, str]:
    return {language: text for language in LANGUAGES if (text := texts.get(f"{kind}_{language}"))}


def _delimited(path: Path) -> Iterator[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotATable("the file is not UTF-8; save it as CSV UTF-8, or as XLSX") from error
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    return csv.reader(io.StringIO(text), delimiter=delimiter)


def _workbook(path: Path) -> Iterable[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        rows: list[list[Any]] = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        raise NotATable(f"the workbook cannot be read: {error}") from error
    return rows

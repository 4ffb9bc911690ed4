"""Workbooks (XLSX, XLSM, XLSB, XLS, ODS): values only; macros, formulas and links are never run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import polars as pl
from ckanext.kzopen.validation.cells import Cells, Limits, Reading, Span, Unreadable, normal
from ckanext.kzopen.validation.headers import checked_labels, find_header, joined_labels
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

Grid = list[list[object]]


@dataclass(frozen=True)
class _Sheet:
    """A sheet that is not empty: the number of its first row that is not, the cells from there (blanks are None), and the
    merged ones."""

    name: str
    first: int
    grid: Grid
    spans: Sequence[Span]


def read_workbook(path: Path, kind: str, expected: Collection[str], limits: Limits) -> Cells:
    """The first visible sheet whose header belongs to the schema, else the first that is not empty.

    Rows and columns that are blank to the end of the sheet are formatting, not data, and are left out.
    """
    try:
        with CalamineWorkbook.from_path(path) as book:
            found = [_sheet_cells(sheet, kind, expected, limits) for sheet in _sheets(book, kind, limits)]
    except PasswordError as error:
        raise Unreadable("format-error", "encrypted") from error
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable("format-error", "damaged") from error
    if not found:
        raise Unreadable("source-error", "empty")
    return max(found, key=lambda pair: pair[0])[1]


def _sheets(book: CalamineWorkbook, kind: str, limits: Limits) -> Iterator[_Sheet]:
    for about in book.sheets_metadata:
        if about.visible is not SheetVisibleEnum.Visible or about.typ is not SheetTypeEnum.WorkSheet:
            continue
        sheet = book.get_sheet_by_name(about.name)
        first, grid = _grid(sheet, limits)
        if grid:
            yield _Sheet(about.name, first, grid, _spans(sheet, kind, first))


def _spans(sheet: CalamineSheet, kind: str, first: int) -> list[Span]:
    """Merged cells, with rows and columns counted as in the grid; nothing of OpenDocument, of which they are not told."""
    if kind == "ods" or sheet.start is None:
        return []
    left = sheet.start[1]
    found = [
        Span(top - first + 1, max(0, start - left), bottom - first + 1, end - left)
        for (top, start), (bottom, end) in sheet.merged_cell_ranges or []
    ]
    return [span for span in found if span.top >= 0 and span.right >= 0]


def _grid(sheet: CalamineSheet, limits: Limits) -> tuple[int, Grid]:
    """The number of the first row that is not empty, and the cells from there; blanks are None."""
    if sheet.start is None or sheet.end is None:
        return 1, []
    if sheet.height * sheet.width > limits.cells:
        raise Unreadable("table-dimensions", "too-many-cells", limit=limits.cells)
    rows: Grid = [_without_blanks(cast(list[object], row)) for row in sheet.to_python(skip_empty_area=True)]
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    width = len(rows[0]) if rows else 0
    while width and not any(row[width - 1] is not None for row in rows):
        width -= 1
    return sheet.start[0] + 1, [row[:width] for row in rows] if rows and width < len(rows[0]) else rows


def _without_blanks(row: list[object]) -> list[object]:
    return [None if cell == "" else cell for cell in row] if "" in row else row


def _sheet_cells(sheet: _Sheet, kind: str, expected: Collection[str], limits: Limits) -> tuple[int, Cells]:
    """How many labels of the schema the sheet knows, and its cells."""
    head = find_header(sheet.grid, expected, sheet.spans)
    labels = checked_labels(joined_labels(sheet.grid, head, sheet.spans), limits)
    several = sheet.first + head.first if head.first < head.last else None
    reading = Reading(kind, header_row=sheet.first + head.last, header_from=several, sheet=sheet.name)
    below = head.last + 1
    cells = transposed(labels, sheet.grid[below:], sheet.first + below, reading)
    spans = [Span(s.top - below, s.left, s.bottom - below, s.right) for s in sheet.spans if s.top >= below]
    return sum(normal(label) in expected for label in labels if label), replace(cells, spans=spans)


def transposed(labels: Sequence[str], rows: Grid, first: int, reading: Reading) -> Cells:
    """Rows as wide as the header as columns; `first` is the number of the first of them."""
    columns: list[list[object]] = [[row[n] for row in rows] for n in range(len(rows[0]))] if rows else [[] for _ in labels]
    return Cells(labels, columns, pl.int_range(first, first + len(rows), eager=True), reading)

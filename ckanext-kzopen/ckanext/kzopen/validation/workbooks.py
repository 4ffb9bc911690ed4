"""Workbooks (XLSX, XLSM, XLSB, XLS, ODS): values only; macros, formulas and links are never run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl
from ckanext.kzopen.validation.cells import Cells, Limits, Reading, Unreadable, normal
from ckanext.kzopen.validation.headers import checked_labels, header_row
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

Grid = list[list[object]]


def read_workbook(path: Path, kind: str, expected: Collection[str], limits: Limits) -> Cells:
    """The first visible sheet whose header belongs to the schema, else the first that is not empty.

    Rows and columns that are blank to the end of the sheet are formatting, not data, and are left out.
    """
    try:
        with CalamineWorkbook.from_path(path) as book:
            found = [_sheet_cells(name, grid, kind, expected, limits) for name, grid in _grids(book, limits)]
    except PasswordError as error:
        raise Unreadable("format-error", "encrypted") from error
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable("format-error", "damaged") from error
    if not found:
        raise Unreadable("source-error", "empty")
    return max(found, key=lambda pair: pair[0])[1]


def _grids(book: CalamineWorkbook, limits: Limits) -> list[tuple[str, tuple[int, Grid]]]:
    grids = []
    for sheet in book.sheets_metadata:
        if sheet.visible is not SheetVisibleEnum.Visible or sheet.typ is not SheetTypeEnum.WorkSheet:
            continue
        start, grid = _grid(book.get_sheet_by_name(sheet.name), limits)
        if grid:
            grids.append((sheet.name, (start, grid)))
    return grids


def _grid(sheet: CalamineSheet, limits: Limits) -> tuple[int, Grid]:
    """The number of the first row that is not empty, and the cells from there; blanks are None."""
    if sheet.start is None or sheet.end is None:
        return 1, []
    if sheet.height * sheet.width > limits.cells:
        raise Unreadable("table-dimensions", "too-many-cells", limit=limits.cells)
    rows: Grid = [[None if cell == "" else cell for cell in row] for row in sheet.to_python(skip_empty_area=True)]
    while rows and not any(cell is not None for cell in rows[-1]):
        rows.pop()
    width = len(rows[0]) if rows else 0
    while width and not any(row[width - 1] is not None for row in rows):
        width -= 1
    return sheet.start[0] + 1, [row[:width] for row in rows] if rows and width < len(rows[0]) else rows


def _sheet_cells(
    name: str, placed: tuple[int, Grid], kind: str, expected: Collection[str], limits: Limits
) -> tuple[int, Cells]:
    """How many labels of the schema the sheet knows, and its cells."""
    first, grid = placed
    index = header_row(grid, expected)
    labels = checked_labels(grid[index], limits)
    reading = Reading(kind, header_row=first + index, sheet=name)
    cells = transposed(labels, grid[index + 1 :], first + index + 1, reading)
    return sum(normal(label) in expected for label in labels if label), cells


def transposed(labels: Sequence[str], rows: Grid, first: int, reading: Reading) -> Cells:
    """Rows as wide as the header as columns; `first` is the number of the first of them."""
    columns: list[list[object]] = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in labels]
    return Cells(labels, columns, pl.int_range(first, first + len(rows), eager=True), reading)

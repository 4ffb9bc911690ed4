"""Which row of a file is its header: titles, notes and blank rows may stand above it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from ckanext.kzopen.validation.cells import Limits, Unreadable, normal

SEARCHED = 20


def header_row(rows: Sequence[Sequence[object]], expected: Collection[str]) -> int:
    """The index of the header among the first `rows` of a file.

    With a schema (`expected`: its names and titles, `normal`) it is the first row that knows half of its own labels;
    otherwise, or when none does, the first row that is as full as most rows are: titles fill one cell.
    """
    known = {label for label in expected if label}
    for index, row in enumerate(rows[:SEARCHED]):
        filled = _filled(row)
        if filled and sum(normal(cell) in known for cell in filled) * 2 >= max(len(filled), 2):
            return index
    return _first_full(rows[:SEARCHED], rows)


def _first_full(candidates: Sequence[Sequence[object]], rows: Sequence[Sequence[object]]) -> int:
    widths = Counter(len(_filled(row)) for row in rows)
    del widths[0]
    if not widths:
        raise Unreadable("source-error", "empty")
    usual = max(widths, key=lambda width: (widths[width] * width, width))
    for index, row in enumerate(candidates):
        if len(_filled(row)) * 2 > usual:
            return index
    return next(index for index, row in enumerate(rows) if _filled(row))


def _filled(row: Sequence[object]) -> list[str]:
    return [text for cell in row if cell is not None and (text := str(cell).strip())]


def checked_labels(labels: Sequence[object], limits: Limits) -> list[str]:
    """The labels as text without surrounding blanks; Unreadable when there are more of them than `limits.columns`."""
    if len(labels) > limits.columns:
        raise Unreadable("table-dimensions", "too-many-columns", count=len(labels), limit=limits.columns)
    return [_label(label) for label in labels]


def _label(cell: object) -> str:
    """A spreadsheet's year 2024.0 is the label 2024."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()

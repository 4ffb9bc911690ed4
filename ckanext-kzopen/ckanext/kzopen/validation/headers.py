"""Which rows of a file are its header: titles, notes and blank rows may stand above it, and it may take several rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ckanext.kzopen.validation.cells import Limits, Span, Unreadable, normal

SEARCHED = 60
PLACEHOLDER = re.compile(r"(column|столбец|баған|unnamed:?)[ _]?\d+", re.IGNORECASE)
NUMERIC = re.compile(r"[-+]?[\d\s]*\d([.,]\d+)?%?")
WORDS = re.compile(r"[^\W\d_]")
Rows = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Head:
    """The rows of the header, by index, both included."""

    first: int
    last: int


def find_header(rows: Rows, expected: Collection[str], spans: Sequence[Span] = ()) -> Head:
    """The header among the first `rows` of a file; `spans` are its merged cells.

    It is the first row that is as full as most rows are, for titles fill one cell, with the rows that merged cells or
    further labels bind to it. With a schema (`expected`: its names and titles, `normal`) it is the first row that knows
    half of its own labels, unless the other way more of them are known.
    """
    known = {label for label in expected if label}
    for index, row in enumerate(rows[:SEARCHED] if known else ()):
        filled = _filled(row)
        found = sum(normal(cell) in known for cell in filled)
        if filled and found * 2 >= max(len(filled), 2):
            if found >= max(map(len, rows)):  # no other header can know more of them
                return Head(index, index)
            several = _by_shape(rows, spans)
            return several if _known(rows, several, spans, known) > found else Head(index, index)
    return _by_shape(rows, spans)


def _by_shape(rows: Rows, spans: Sequence[Span]) -> Head:
    index = _repeated(rows, _labelled(rows, _first_full(rows[:SEARCHED], rows)))
    return _further_labels(rows, _bound(rows, Head(index, index), spans))


def _known(rows: Rows, head: Head, spans: Sequence[Span], known: Collection[str]) -> int:
    return sum(normal(_label(label)) in known for label in joined_labels(rows, head, spans))


def _first_full(candidates: Rows, rows: Rows) -> int:
    widths = Counter(map(_fullness, rows))
    del widths[0]
    if not widths:
        raise Unreadable("source-error", "empty")
    if sum(width * times for width, times in widths.items() if width > 1) * 2 > widths[1]:
        del widths[1]  # prose around a table, one cell a line
    usual = max(widths, key=lambda width: (widths[width] * width, width))
    for index, row in enumerate(candidates):
        if _fullness(row) * 2 > usual:
            return index
    return next(index for index, row in enumerate(rows) if _fullness(row))


def _fullness(row: Sequence[object]) -> int:
    """How many cells are filled: all but None and blank text."""
    return len(row) - row.count(None) - sum(type(cell) is str and not cell.strip() for cell in row)


def _labelled(rows: Rows, index: int) -> int:
    """The row below one of names that a spreadsheet program gave (Column1, Столбец2)."""
    made_up = all(PLACEHOLDER.fullmatch(cell) for cell in _filled(rows[index]))
    below = index + 1 < len(rows) and len(_filled(rows[index + 1])) * 2 > len(_filled(rows[index]))
    return index + 1 if made_up and below else index


def _repeated(rows: Rows, index: int) -> int:
    """The last row that repeats the labels of this one, as where a small table stands above the large one."""
    labels = {_label(cell) for cell in rows[index]} - {""}
    if len(labels) < 5:  # fewer may be alike by chance
        return index
    again = [n for n in range(index + 1, min(len(rows), SEARCHED)) if _same_labels(rows[n], labels)]
    return again[-1] if again and len(again) < 3 else index  # rows that are all alike are data


def _same_labels(row: Sequence[object], labels: set[str]) -> bool:
    found = {_label(cell) for cell in row} - {""}
    return len(found & labels) * 5 >= max(len(found), len(labels)) * 4


def _bound(rows: Rows, head: Head, spans: Sequence[Span]) -> Head:
    """The header with the rows that its merged cells reach or stand above."""
    first, last = head.first, head.last
    while first and sum(span.top <= first - 1 <= span.bottom and span.wide and not _title(rows, span) for span in spans) > 1:
        first -= 1
    for span in sorted(spans, key=lambda found: found.top):
        if first <= span.top <= last and not _title(rows, span):
            last = max(last, span.bottom)
            below = span.bottom + 1
            if span.wide and below < len(rows) and _all_filled(rows[below], span):
                last = max(last, below)
    return Head(first, min(last, len(rows) - 1))


def _title(rows: Rows, span: Span) -> bool:
    """Whether a merged cell is alone in its row."""
    return len(_filled(rows[span.top])) == 1 if span.top < len(rows) else True


def _all_filled(row: Sequence[object], span: Span) -> bool:
    return all(cell is not None and str(cell).strip() for cell in row[span.left : span.right + 1])


def _further_labels(rows: Rows, head: Head) -> Head:
    """The header with rows below it that hold words where the table has numbers: units, names, lower labels."""
    last = head.last
    numeric = _numeric_columns(rows[last + 1 :])
    while len(numeric) > 1 and last + 2 < len(rows) and _is_labels(rows, Head(head.first, last), numeric):
        last += 1
    return Head(head.first, last)


def _is_labels(rows: Rows, head: Head, numeric: Sequence[int]) -> bool:
    row = [str(cell).strip() if cell is not None else "" for cell in rows[head.last + 1]]
    filled = [n for n, cell in enumerate(row) if cell]
    if not filled or any(NUMERIC.fullmatch(row[n]) for n in filled):
        return False
    if sum(n < len(row) and WORDS.search(row[n]) is not None for n in numeric) * 2 > len(numeric):
        return True
    above = rows[head.first : head.last + 1]
    return len(filled) > 1 and all(not any(n < len(up) and _label(up[n]) for up in above) for n in filled)


def _numeric_columns(rows: Rows) -> list[int]:
    """Columns in which most filled cells are numbers."""
    found = []
    for n in range(max(map(len, rows), default=0)):
        cells = [str(row[n]).strip() for row in rows if n < len(row) and row[n] is not None and str(row[n]).strip()]
        if len(cells) > 1 and sum(NUMERIC.fullmatch(cell) is not None for cell in cells) * 10 > len(cells) * 6:
            found.append(n)
    return found


def _filled(row: Sequence[object]) -> list[str]:
    return [text for cell in row if cell is not None and (text := str(cell).strip())]


def joined_labels(rows: Rows, head: Head, spans: Sequence[Span]) -> list[object]:
    """One label a column: what stands in the header's rows above each other, merged cells spread over what they cover."""
    if head.first == head.last:
        return list(rows[head.first])
    width = max(len(rows[n]) for n in range(head.first, head.last + 1))
    grid = {n: [*rows[n], *[None] * (width - len(rows[n]))] for n in range(head.first, head.last + 1)}
    for span in spans:
        if span.top in grid and not _title(rows, span):
            for n in range(span.left, min(span.right + 1, width)):
                grid[span.top][n] = rows[span.top][span.left]
    return [" ".join(_distinct(_label(row[n]) for row in grid.values())) for n in range(width)]


def _distinct(parts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(part for part in parts if part))


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

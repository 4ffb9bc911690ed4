"""Text tables: which delimiter, which row is the header, and the cells, exactly as Python's csv module reads them."""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl
from ckanext.kzopen.validation.cells import Cells, Limits, Reading, Unreadable, normal
from ckanext.kzopen.validation.headers import SEARCHED, checked_labels, find_header, joined_labels
from ckanext.kzopen.validation.vectored import data_offset, read_body

DELIMITERS = (",", ";", "\t", "|")
SAMPLED = 200
LONGEST_CELL = 10_000_000
SPACED_QUOTE = '[,;\t|] +"'
ESCAPED_QUOTE = r'\\"[^",;\t|\r\n]'


@dataclass(frozen=True)
class Dialect:
    """How cells are divided; `spaced`: blanks after a delimiter belong to it, because quotes follow them; `escaped`:
    a quote inside a quoted cell may have a backslash before it."""

    delimiter: str
    spaced: bool = False
    escaped: bool = False


@dataclass(frozen=True)
class Start:
    """What the first lines tell: labels and dialect; `offset` are the bytes before the first row, None where the fast
    readers of UTF-8 cannot begin there."""

    labels: list[str]
    dialect: Dialect
    reading: Reading
    offset: int | None


def read_delimited(path: Path, encoding: str, expected: Collection[str], limits: Limits) -> Cells:
    """The cells of a CSV, TSV or the like; Unreadable when it is empty or too wide."""
    start = start_of(path, encoding, expected, limits)
    return _fast(path, start) or _slow(path, start.dialect, start.labels, start.reading)


def start_of(path: Path, encoding: str, expected: Collection[str], limits: Limits) -> Start:
    """Header and dialect of a text table; Unreadable when it is empty or too wide."""
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding=encoding, newline="") as file:
        sample = _sample(file)
    dialect = guess_dialect(sample, expected)
    head = list(_records(io.StringIO(sample, newline=""), dialect))
    found = find_header(head, expected)
    labels = checked_labels(joined_labels(head, found, ()), limits)
    several = found.first + 1 if found.first < found.last else None
    reading = Reading("csv", encoding, dialect.delimiter, header_row=found.last + 1, header_from=several)
    return Start(labels, dialect, reading, _offset(sample, dialect, reading))


def _offset(sample: str, dialect: Dialect, reading: Reading) -> int | None:
    if reading.encoding not in ("utf-8", "utf-8-sig") or dialect.spaced or dialect.escaped:
        return None
    offset = data_offset(sample, dialect.delimiter, reading.header_row)
    mark = len(BOM_UTF8) if reading.encoding == "utf-8-sig" else 0
    return None if offset is None else offset + mark


def _fast(path: Path, start: Start) -> Cells | None:
    if start.offset is None:
        return None
    reading, labels = start.reading, start.labels
    body = read_body(path, start.dialect.delimiter, start.offset, len(labels))
    if body is None:
        return None
    first = reading.header_row + 1
    ragged = {first + position: record for position, record in body.ragged.items()}
    return Cells(labels, list(body.columns), body.positions + first, reading, ragged)


def _slow(path: Path, dialect: Dialect, labels: list[str], reading: Reading) -> Cells:
    with path.open(encoding=reading.encoding, newline="") as file:
        records = islice(_records(file, dialect), reading.header_row, None)
        return gathered(labels, enumerate(records, start=reading.header_row + 1), reading)


def _sample(file: io.TextIOBase) -> str:
    """The first lines, 256 KB at most, cut at a line's end."""
    text = file.read(1 << 18)
    if not text.strip():
        raise Unreadable("source-error", "empty")
    if len(text) == 1 << 18:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    return text


def guess_dialect(sample: str, expected: Collection[str] = ()) -> Dialect:
    """The delimiter under which a row of the file is the schema's header; else, or without a schema, the one that
    divides most records into the same number of cells, more than one; a comma when none does."""
    spaced, escaped = re.search(SPACED_QUOTE, sample) is not None, re.search(ESCAPED_QUOTE, sample) is not None
    possible = (Dialect(delimiter, spaced, escaped) for delimiter in DELIMITERS)
    return max(possible, key=lambda found: _fitness(sample, found, expected))


def _fitness(sample: str, dialect: Dialect, expected: Collection[str]) -> tuple[int, float, int]:
    records = list(islice(_records(io.StringIO(sample, newline=""), dialect), SAMPLED))
    known = max((sum(normal(cell) in expected for cell in record) for record in records[:SEARCHED]), default=0)
    widths = Counter(len(record) for record in records if len(record) > 1)
    if not widths:
        return known, 0.0, 0
    width, times = widths.most_common(1)[0]
    filled = sum(1 for record in records if record)
    return known, round(times / filled, 1), width


def _records(file: io.TextIOBase, dialect: Dialect) -> Iterator[list[str]]:
    escape = "\\" if dialect.escaped else None
    reader = csv.reader(file, delimiter=dialect.delimiter, skipinitialspace=dialect.spaced, escapechar=escape)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable("format-error", "damaged", row=reader.line_num) from error


def gathered(labels: Sequence[str], records: Iterator[tuple[int, list[str]]], reading: Reading) -> Cells:
    """Numbered records as columns as wide as the header."""
    width = len(labels)
    columns: list[list[str | None]] = [[] for _ in labels]
    numbers: list[int] = []
    ragged: dict[int, list[str]] = {}
    for number, record in records:
        numbers.append(number)
        if len(record) != width:
            ragged[number] = record
        for column, cell in zip(columns, [*record[:width], *[None] * (width - len(record))], strict=True):
            column.append(cell)
    series = [pl.Series(column, dtype=pl.String) for column in columns]
    return Cells(labels, series, pl.Series(numbers, dtype=pl.Int64), reading, ragged)

"""A large UTF-8 table of text read in parts side by side: Arrow's parser works without Python's lock.

A part ends at a line end. Without a quote in it no record can go on behind that; with one, as many records must have been read
as it has lines, and its last cell must not be an open quote. A file that cannot prove this is read as a whole by the caller.
"""

from __future__ import annotations

import csv
import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
from ckanext.kzopen.validation.merging import merged

PART = 8 << 20
THREADS = min(4, os.cpu_count() or 1)
LONE_RETURN = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True)
class Part:
    """All rows of a part, padded with None or cut; ragged ones and blank lines with their own cells, by position from 0."""

    rows: pl.DataFrame
    ragged: dict[int, list[str]]


class _Doubt(Exception):
    """A record might not end where the part does."""


def read_parts(path: Path, delimiter: str, offset: int, width: int, part: int = PART) -> Part | None:
    """The rows from byte `offset` to the end; None for less than two parts, and where a border might divide a record."""
    if path.stat().st_size - offset < 2 * part:
        return None
    try:
        return _side_by_side(path, delimiter, width, _borders(path, offset, part))
    except (_Doubt, pa.ArrowInvalid):
        return None


def _side_by_side(path: Path, delimiter: str, width: int, borders: list[int]) -> Part:
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        parts = list(pool.map(partial(_read, path, delimiter, width), borders, borders[1:]))
    ragged: dict[int, list[str]] = {}
    start = 0
    for part in parts:
        ragged |= {start + position: record for position, record in part.ragged.items()}
        start += len(part.rows)
    return Part(pl.concat([part.rows for part in parts], rechunk=False), ragged)


def _borders(path: Path, offset: int, part: int) -> list[int]:
    """Where parts begin, each behind a line feed, and the end of the file."""
    size = path.stat().st_size
    borders = [offset]
    with path.open("rb") as file:
        while borders[-1] < size:
            file.seek(min(size, borders[-1] + part))
            if len(file.readline(part)) == part:
                raise _Doubt  # a line longer than a part is hardly a row
            borders.append(file.tell())
    return borders


def _read(path: Path, delimiter: str, width: int, start: int, end: int) -> Part:
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(end - start)
    ragged: dict[int, str] = {}

    def too_short_or_long(row: pa_csv.InvalidRow) -> str:
        ragged[row.number - 1] = row.text
        return "skip"

    names = [str(number) for number in range(width)]
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
        pa_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=too_short_or_long
        ),
        pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    cells = {
        position: next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []) for position, text in ragged.items()
    }
    whole = pl.from_arrow(table)
    assert isinstance(whole, pl.DataFrame)  # noqa: S101 (a table gives a frame)
    rows = merged(whole, cells)
    if b'"' in data:
        _prove_one_record_a_line(data, rows, cells)
    return _without_blank_lines(data, Part(rows, cells))


def _prove_one_record_a_line(data: bytes, rows: pl.DataFrame, ragged: dict[int, list[str]]) -> None:
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if len(rows) != lines or LONE_RETURN.search(data) is not None:
        raise _Doubt
    last = ragged.get(lines - 1) or [rows.row(-1)[-1] or ""]
    unclosed = '"' + last[-1].replace('"', '""')
    if data.rstrip(b"\r\n").endswith(unclosed.rstrip("\r\n").encode()):
        raise _Doubt


def _without_blank_lines(data: bytes, part: Part) -> Part:
    """A blank line has no cells; Arrow gives it empty ones, as it does a line of delimiters only."""
    empty = _empty(part.rows)
    if not len(empty):
        return part
    if LONE_RETURN.search(data) is not None:
        raise _Doubt
    lines = data.split(b"\n")
    blank = [position for position in empty.to_list() if lines[position] in (b"", b"\r")]
    if not blank:
        return part
    there = pl.int_range(len(part.rows), eager=True).is_in(blank)
    rows = part.rows.with_columns(pl.when(~there).then(pl.all()))
    return Part(rows, part.ragged | {position: [] for position in blank})


def _empty(rows: pl.DataFrame) -> pl.Series:
    """The indexes of rows in which no cell has a letter."""
    first, *others = rows.get_columns()
    found = (first.fill_null("") == "").arg_true()
    for column in others:
        if not len(found):
            break
        found = found.filter(column.gather(found).fill_null("") == "")
    return found

"""JSON arrays, lines of JSON objects, and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from ckanext.kzopen.validation.cells import Cells, Limits, Reading, Unreadable
from ckanext.kzopen.validation.encodings import detect
from ckanext.kzopen.validation.headers import checked_labels

WRAPPERS = frozenset({"data", "rows", "records", "items", "result", "results"})


def read_json(path: Path, limits: Limits) -> Cells:
    """An array of objects (or of arrays, the first being the header), the same inside `{"data": …}`, or NDJSON.

    One object over several lines is a document, not a table. Objects are numbered from 2, as if their keys stood in a
    header above them; a key that an object lacks is None.
    """
    encoding = detect(path)
    text = path.read_text(encoding=encoding)
    kind, records = _parsed(text)
    if not records:
        raise Unreadable("source-error", "empty")
    reading = Reading(kind, encoding)
    if isinstance(records[0], list):
        return _from_lists(records, limits, reading)
    return _from_objects(records, limits, reading)


def _parsed(text: str) -> tuple[str, list[object]]:
    try:
        value = _loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip("\ufeff \t\r\n").startswith("{"):
            return "ndjson", list(_lines(text))
        raise Unreadable("format-error", "damaged", row=error.lineno) from error
    if isinstance(value, dict):
        inner = [item for key, item in value.items() if key in WRAPPERS and isinstance(item, list)]
        if len(inner) == 1:
            return "json", inner[0]
        if "\n" not in text.strip():
            return "ndjson", [value]
    if not isinstance(value, list):
        raise Unreadable("source-error", "not-a-table")
    return "json", value


def _lines(text: str) -> Iterator[object]:
    # Not splitlines: U+0085 and U+2028 end no line here, JSON allows them inside its texts.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield _loads(line)
            except json.JSONDecodeError as error:
                raise Unreadable("format-error", "damaged", row=number) from error


def _loads(text: str) -> object:
    """JSON with its fractions as decimals, so that 1.10 stays 1.10; NaN and Infinity are no JSON."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except RecursionError as error:
        raise Unreadable("format-error", "too-deep") from error
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            raise
        raise Unreadable("format-error", "damaged", row=1) from error


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def _from_objects(records: list[object], limits: Limits, reading: Reading) -> Cells:
    labels: dict[str, None] = {}
    for number, record in enumerate(records, start=2):
        if not isinstance(record, dict):
            raise Unreadable("source-error", "not-an-object", row=number)
        labels.update(dict.fromkeys(record))
        if len(labels) > limits.columns:
            checked_labels(list(labels), limits)
    columns: list[list[object]] = [[record.get(label) for record in records] for label in labels]  # type: ignore[attr-defined]
    return Cells(list(labels), columns, _numbers(len(records)), reading)


def _from_lists(records: list[object], limits: Limits, reading: Reading) -> Cells:
    head = records[0]
    assert isinstance(head, list)  # noqa: S101 (the caller has looked)
    labels = checked_labels(head, limits)
    width = len(labels)
    rows: list[list[object]] = []
    ragged: dict[int, list[str]] = {}
    for number, record in enumerate(records[1:], start=2):
        if not isinstance(record, list):
            raise Unreadable("source-error", "not-an-array", row=number)
        if len(record) != width:
            ragged[number] = ["" if cell is None else str(cell) for cell in record]
        rows.append([*record[:width], *[None] * (width - len(record))])
    columns: list[list[object]] = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in labels]
    return Cells(labels, columns, _numbers(len(rows)), reading, ragged)


def read_parquet(path: Path, limits: Limits) -> Cells:
    """The columns of a Parquet file as Python values."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise Unreadable("format-error", "damaged") from error
    labels = checked_labels(table.column_names, limits)
    if table.num_rows * max(len(labels), 1) > limits.cells:
        raise Unreadable("table-dimensions", "too-many-cells", limit=limits.cells)
    return Cells(labels, [column.to_pylist() for column in table.columns], _numbers(table.num_rows), Reading("parquet"))


def _numbers(rows: int) -> pl.Series:
    return pl.int_range(2, rows + 2, eager=True)

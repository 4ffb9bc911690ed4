"""JSON arrays, lines of JSON objects, and Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from ckanext.kzopen.validation.cells import Cells, Limits, Reading, Unreadable
from ckanext.kzopen.validation.encodings import detect
from ckanext.kzopen.validation.headers import checked_labels

HALF = re.compile(
    r"\\(?:u[dD][89abAB]..(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB]..\\)u[dD][c-fC-F]"
    r"|\\u[dD][89abAB])"
)
"""Where JSON may have one half of a pair of UTF-16 without the other: a first that no second follows, a second behind no
first, or what looks like a first behind a backslash that takes its meaning away."""
SHOWN = 40
LONE = re.compile("[\ud800-\udfff]")
NOT_HELD = (OverflowError, ValueError, LookupError)
"""How pyarrow tells that Python has no such value, or does not know its time zone."""
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
    if HALF.search(text):
        _refuse_halves(records)
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
        return json.loads(text, parse_float=_fraction, parse_constant=_no_constant)
    except RecursionError as error:
        raise Unreadable("format-error", "too-deep") from error
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            raise
        raise Unreadable("format-error", "damaged", row=1) from error


def _fraction(text: str) -> Decimal:
    """Raises Unreadable for a number whose exponent no decimal holds: inside an object it would become something else."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Unreadable("format-error", "exponent", number=text[:SHOWN]) from error


def _refuse_halves(records: list[object]) -> None:
    """Raise for the first record with half of a letter, which no file in UTF-8 and no database can hold."""
    for number, record in enumerate(records, start=1 if isinstance(records[0], list) else 2):
        if LONE.search(json.dumps(record, ensure_ascii=False, default=str)):
            raise Unreadable("encoding-error", "half", row=number)


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
    columns = [_values(column, label) for column, label in zip(table.columns, labels, strict=True)]
    return Cells(labels, columns, _numbers(table.num_rows), Reading("parquet"))


def _values(column: pa.ChunkedArray, label: str) -> list[object]:
    """A column as Python values; a moment, time or duration that Python does not hold is told as text. Bytes are text in
    UTF-8, whatever the file calls them."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        return [value.decode() if isinstance(value, bytes) else value for value in column.to_pylist()]
    except UnicodeDecodeError as error:
        raise Unreadable("encoding-error", "broken", row=_first_broken(column), encoding="UTF-8") from error
    except NOT_HELD:
        return _told(column, label)


def _told(column: pa.ChunkedArray, label: str) -> list[object]:
    """Each value, or its text where Python does not hold it; moments of a zone that nobody knows in UTC."""
    kind = column.type
    if pa.types.is_timestamp(kind) and not _is_known(kind.tz):
        column = column.cast(pa.timestamp(kind.unit, "UTC"))
    values: list[object] = []
    for row, value in enumerate(column, start=2):
        try:
            values.append(value.as_py())
        except NOT_HELD as error:
            if pa.types.is_nested(kind):
                raise Unreadable("source-error", "not-exact", row=row, field=label) from error
            unit = f" {kind.unit}" if pa.types.is_duration(kind) else ""
            values.append(f"{value.cast(pa.string()).as_py()}{unit}")
    return values


def _is_known(zone: str | None) -> bool:
    try:
        return zone is None or pa.lib.string_to_tzinfo(zone) is not None
    except NOT_HELD:
        return False


def _first_broken(column: pa.ChunkedArray) -> int:
    """The row of the first text that is not UTF-8."""
    for row, value in enumerate(column, start=2):
        try:
            held = value.as_py()
            if isinstance(held, bytes):
                held.decode()
        except UnicodeDecodeError:
            return row
    return 2


def _numbers(rows: int) -> pl.Series:
    return pl.int_range(2, rows + 2, eager=True)

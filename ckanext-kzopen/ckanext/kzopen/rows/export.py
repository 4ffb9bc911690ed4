"""A version as CSV, JSON, NDJSON or XLSX, written in pieces; Parquet is the file itself.

For spreadsheets, texts that a spreadsheet would run as a formula get an apostrophe in front (OWASP: CSV injection);
the raw form is for programs and gives every text as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from ckanext.kzopen.rows.model import XLSX_ROWS
from ckanext.kzopen.rows.reading import Table

BATCH = 10_000
BOM = b"\xef\xbb\xbf"
FORMULA = r"\A([=+\-@\t\r＝＋－＠])"
XLSX_TEXT = 32_767
PIECE = 1 << 16


class TooManyRows(ValueError):
    """A sheet of a workbook holds at most 1,048,575 rows under its header."""


def csv_pieces(file: Path | Table, *, raw: bool = False) -> Iterator[bytes]:
    """CSV in UTF-8; with a byte-order mark (so that Excel reads its letters) and without formulas unless `raw`.

    A null is an empty cell without quotes; moments are written in ISO form, those with a zone in UTC.
    """
    if not raw:
        yield BOM
    for number, batch in enumerate(_batches(file)):
        sink = pa.BufferOutputStream()
        rows = batch if raw else harmless(batch)
        options = pa_csv.WriteOptions(include_header=number == 0, quoting_style="needed")
        pa_csv.write_csv(_iso_moments(rows), sink, options)
        yield sink.getvalue().to_pybytes()


def _batches(file: Path | Table) -> Iterator[pa.Table]:
    """The rows in order; one batch without rows when there are none, so that a header can be written."""
    if isinstance(file, Table):
        yield from file.batches(size=BATCH)
        return
    with pq.ParquetFile(file) as source:
        if source.metadata.num_rows == 0:
            yield source.read()
        for batch in source.iter_batches(batch_size=BATCH):
            yield pa.Table.from_batches([batch])


def harmless(table: pa.Table) -> pa.Table:
    """Every text that begins like a formula with an apostrophe in front; numbers cannot be formulas and stay."""
    for index, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = pc.replace_substring_regex(table.column(index), FORMULA, r"'\1")
            table = table.set_column(index, field, column)
    return table


def _iso_moments(table: pa.Table) -> pa.Table:
    """Moments as text, because Arrow's CSV has a blank where ISO has a T, and always six digits of a second."""
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            texts = [None if value is None else _moment(value) for value in table.column(index).to_pylist()]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
        elif pa.types.is_null(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.string()))
    return table


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def json_pieces(file: Path | Table) -> Iterator[bytes]:
    """One JSON array of objects."""
    yield b"["
    between = b"\n"
    for batch in _batches(file):
        for row in batch.to_pylist():
            yield between + _object(row)
            between = b",\n"
    yield b"\n]\n"


def ndjson_pieces(file: Path | Table) -> Iterator[bytes]:
    """One JSON object a line."""
    for batch in _batches(file):
        if batch.num_rows:
            yield b"".join(_object(row) + b"\n" for row in batch.to_pylist())


def _object(row: dict[str, Any]) -> bytes:
    """Exact decimals stay exact numbers; NaN and infinity, which JSON lacks, are null."""
    return orjson.dumps({name: _json_value(value) for name, value in row.items()}, option=orjson.OPT_UTC_Z)


def _json_value(value: Any) -> Any:
    return orjson.Fragment(format(value, "f")) if isinstance(value, Decimal) else value


def xlsx_pieces(file: Path | Table, sheet: str = "data") -> Iterator[bytes]:
    """A workbook of one sheet, its header frozen; TooManyRows when the sheet cannot hold the table."""
    rows = file.rows if isinstance(file, Table) else pq.read_metadata(file).num_rows
    if rows > XLSX_ROWS:
        raise TooManyRows(rows)
    with TemporaryFile() as target:
        _write_workbook(file, target, sheet[:31])
        target.seek(0)
        while piece := target.read(PIECE):
            yield piece


def _write_workbook(file: Path | Table, target: IO[bytes], sheet: str) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    import xlsxwriter  # here: a tenth of a second that pages do not need

    book = xlsxwriter.Workbook(target, options)
    page = book.add_worksheet(sheet)
    page.freeze_panes(1, 0)
    formats = {
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "datetime": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "time": book.add_format({"num_format": "hh:mm:ss"}),
        "header": book.add_format({"bold": True}),
    }
    number = 0
    for batch in _batches(file):
        if number == 0:
            page.write_row(0, 0, batch.column_names, formats["header"])
        for row in zip(*(column.to_pylist() for column in harmless(batch).columns), strict=True):
            number += 1
            for column, value in enumerate(row):
                _write_cell(page, number, column, value, formats)
    book.close()


def _write_cell(page: Any, row: int, column: int, value: Any, formats: dict[str, Any]) -> None:
    """Numbers of more than 15 digits are written as text: a spreadsheet would round them."""
    match value:
        case None:
            return
        case bool():
            page.write_boolean(row, column, value)
        case int() | float() | Decimal() if _fits(value):
            page.write_number(row, column, value)
        case datetime() if value.year >= 1900:
            page.write_datetime(row, column, value.replace(tzinfo=None), formats["datetime"])
        case str() | int() | float() | Decimal() | datetime():
            page.write_string(row, column, str(value)[:XLSX_TEXT])
        case _:
            kind = "time" if not hasattr(value, "year") else "date"
            if kind == "date" and value.year < 1900:
                page.write_string(row, column, value.isoformat())
            else:
                page.write_datetime(row, column, value, formats[kind])


def _fits(value: int | float | Decimal) -> bool:
    if isinstance(value, float):
        return value - value == 0
    return len(str(value).lstrip("-").replace(".", "")) <= 15 and (not isinstance(value, Decimal) or value.is_finite())


WRITERS: dict[str, tuple[str, Callable[[Path | Table], Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", csv_pieces),
    "json": ("application/json", json_pieces),
    "ndjson": ("application/x-ndjson", ndjson_pieces),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_pieces),
}

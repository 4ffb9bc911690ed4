"""Whether a file is the table that its schema describes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
from ckanext.kzopen.validation import schema as schemas
from ckanext.kzopen.validation.cells import Cells, Limits, Unreadable
from ckanext.kzopen.validation.columns import Column, check_column
from ckanext.kzopen.validation.findings import from_error, from_refusal
from ckanext.kzopen.validation.integrity import Repeats, repeated_keys, repeated_values
from ckanext.kzopen.validation.listing import Located, listed
from ckanext.kzopen.validation.native import as_text
from ckanext.kzopen.validation.reading import read
from ckanext.kzopen.validation.report import Report
from ckanext.kzopen.validation.tables import table_of
from frictionless import Field, Schema


@dataclass(frozen=True)
class Checked:
    """The report, and the table when the file is free of errors."""

    report: Report
    table: pa.Table | None


def check_file(
    path: Path,
    schema: schemas.Descriptor,
    *,
    media_type: str | None = None,
    name: str | None = None,
    limit: int = 1000,
    limits: Limits | None = None,
) -> Checked:
    """Check the file at `path` against a Table Schema descriptor; count every error, list the first `limit`.

    `media_type` and `name` are what the sender says; they decide nothing, since content tells the format.
    The table has the schema's fields in the schema's order, typed.
    """
    del media_type, name
    try:
        compiled = schemas.compiled(schema)
        cells = read(Path(path), schemas.names_of(schema), limits)
    except Unreadable as refusal:
        return Checked(Report(0, {refusal.code: 1}, (from_refusal(refusal),)), None)
    return check_cells(cells, schema, compiled, limit)


def check_cells(cells: Cells, descriptor: schemas.Descriptor, schema: Schema, limit: int) -> Checked:
    """Check cells that are already read; every code of frictionless's baseline but foreign keys."""
    header = schemas.header_of(schemas.matched(cells.labels, descriptor), schema, cells.reading.header_row)
    fields = schemas.fields_of(header)
    texts = [_text(column, field) for column, field in zip(cells.columns, fields, strict=True)]
    columns = [check_column(text, field) for text, field in zip(texts, fields, strict=True)]
    blank = blank_rows(columns, cells.rows)
    repeats = [*repeated_values(columns), *repeated_keys(columns, schema.primary_key)]
    counts = Counter(error.type for error in header.errors) + _counts(cells, columns, blank, repeats)
    known = {field.name: field for field in fields} | {field.name: field for field in schema.fields}
    findings = [from_error(error, known) for error in header.errors[:limit]]
    if counts and len(findings) < limit:
        located = Located(cells, texts, fields, _bad_rows(cells, columns, blank, repeats), repeats)
        findings += [from_error(error, known) for error in listed(located, limit - len(findings))]
    report = Report(cells.rows, dict(counts), tuple(findings), cells.reading)
    return Checked(report, None if counts else table_of(columns, schema))


def _text(column: pl.Series | list[object], field: Field) -> pl.Series:
    return column if isinstance(column, pl.Series) else as_text(column, field)


def blank_rows(columns: Sequence[Column], rows: int) -> pl.Series:
    """Which rows have no value at all; all other faults of their cells are forgotten."""
    blank = pl.repeat(True, rows, dtype=pl.Boolean, eager=True)
    for column in columns:
        blank = blank & column.missing
    return blank


def _counts(cells: Cells, columns: Sequence[Column], blank: pl.Series, repeats: Sequence[Repeats]) -> Counter[str]:
    counts: Counter[str] = Counter()
    blanks = blank.arg_true().to_frame("index").cast(pl.UInt32)
    for column in columns:
        left = column.faults.join(blanks, on="index", how="anti") if len(blanks) else column.faults
        for code, times in left.group_by("code").agg(pl.col("times").sum()).iter_rows():
            counts[code] += times
    counts["blank-row"] += len(blanks)
    empty = set(cells.numbers.filter(blank).to_list()) if cells.ragged else set()
    width = len(columns)
    for number, record in cells.ragged.items():
        if number not in empty:
            counts["extra-cell" if len(record) > width else "missing-cell"] += abs(len(record) - width)
    for repeat in repeats:
        counts[repeat.code] += len(repeat.rows)
    return +counts


def _bad_rows(cells: Cells, columns: Sequence[Column], blank: pl.Series, repeats: Sequence[Repeats]) -> pl.Series:
    """The indexes of all rows with an error, in the order of the file."""
    found = [column.faults["index"] for column in columns] + [blank.arg_true().cast(pl.UInt32)]
    found += [repeat.rows["index"] for repeat in repeats]
    if cells.ragged:
        found.append(cells.numbers.is_in(list(cells.ragged)).arg_true().cast(pl.UInt32))
    return pl.concat(found).unique().sort()

"""Checked columns as a pyarrow table, and which Arrow types a field may get."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa
from ckanext.kzopen.validation.columns import Column
from frictionless import Schema

ARROW = {
    "integer": pa.int64(),
    "year": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "time": pa.time64("us"),
}


def table_of(columns: Sequence[Column], schema: Schema) -> pa.Table:
    """The schema's fields in its order; a field that the file may lack, and does, is a column of nulls.

    Types are those of `ARROW` (text for the rest); a number or moment that they would not hold exactly is a
    decimal128, a UTC timestamp, or text.
    """
    by_name = {column.field.name: column for column in columns}
    rows = len(columns[0].values) if columns else 0
    arrays = {}
    for field in schema.fields:
        wanted = ARROW.get(field.type, pa.string())
        column = by_name.get(field.name)
        arrays[field.name] = pa.nulls(rows, wanted) if column is None else _array(column)
    return pa.table(arrays)


def _array(column: Column) -> pa.Array:
    array = column.values.to_arrow(compat_level=pl.CompatLevel.newest())
    wanted = ARROW.get(column.field.type, pa.string())
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    if column.values.null_count() == len(column.values):
        return pa.nulls(len(array), wanted)
    if pa.types.is_time64(array.type):
        return array.cast(pa.time64("us"))
    return array

"""Values and keys that must not repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from ckanext.kzopen.validation.columns import Column


@dataclass(frozen=True)
class Repeats:
    """Rows that break a rule of uniqueness: `rows` has their `index` and that of the row `before` with the same value;
    `before` is None where all cells of the key are empty. `field` is None for the primary key."""

    code: str
    field: str | None
    rows: pl.DataFrame


def repeated_values(columns: Sequence[Column]) -> list[Repeats]:
    """Values that stand in an earlier row too, for each field with the constraint `unique`; empty cells do not count."""
    return [
        Repeats("unique-error", column.field.name, _repeats([column.values], ~_unequal(column)))
        for column in columns
        if column.field.constraints.get("unique")
    ]


def repeated_keys(columns: Sequence[Column], key: Sequence[str]) -> list[Repeats]:
    """Keys that stand in an earlier row too, and keys that are wholly empty; nothing when the file lacks a column."""
    by_name = {column.field.name: column for column in columns}
    if not key or not set(key) <= set(by_name):
        return []
    parts = [by_name[name] for name in key]
    empty = _all(part.values.is_null() for part in parts)
    nan = ~_all(~(_unequal(part) & part.values.is_not_null()) for part in parts)
    rows = _repeats([part.values for part in parts], ~empty & ~nan)
    hollow = pl.DataFrame({"index": empty.arg_true().cast(pl.UInt32)}).with_columns(before=pl.lit(None, dtype=pl.UInt32))
    return [Repeats("primary-key", None, pl.concat([rows, hollow]))]


def _all(masks: object) -> pl.Series:
    result: pl.Series | None = None
    for mask in masks:  # type: ignore[attr-defined]
        result = mask if result is None else result & mask
    assert result is not None  # noqa: S101 (a key has at least one field)
    return result


def _unequal(column: Column) -> pl.Series:
    """No value, or NaN, which equals nothing."""
    values = column.values
    if values.dtype == pl.Float64:
        return values.is_null() | values.is_nan().fill_null(False)
    if column.field.type == "number" and values.dtype == pl.String:
        return values.is_null() | values.str.contains("NaN", literal=True).fill_null(False)
    return values.is_null()


def _repeats(values: Sequence[pl.Series], counted: pl.Series) -> pl.DataFrame:
    names = [str(number) for number in range(len(values))]
    frame = pl.DataFrame(dict(zip(names, values, strict=True)))
    indexes = (perhaps_again(frame) & counted).arg_true().cast(pl.UInt32)
    frame = frame.select(pl.all().gather(indexes)).with_columns(index=indexes)
    before = pl.col("index").shift(1).over(names)
    return frame.select("index", before=before).filter(pl.col("before").is_not_null())


def perhaps_again(frame: pl.DataFrame) -> pl.Series:
    """Rows whose hash another row has too: all that repeat, and hardly any besides. Sorting numbers is far quicker than
    grouping values."""
    hashes = frame.hash_rows(seed=1)
    ordered = hashes.sort()
    again = ordered.filter(ordered == ordered.shift(1)).unique()
    return hashes.is_in(again) if len(again) else pl.repeat(False, len(hashes), dtype=pl.Boolean, eager=True)

"""Values that frictionless read, as one polars type per column: exact, or text when no type holds all of them exactly."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal

import polars as pl
from frictionless import Field

FAST = {
    "string": pl.String(),
    "any": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "datetime": pl.Datetime("us"),
}
WIDE = 10**38
INT64 = 2**63
MOST_DIGITS = 1_000
"""Digits of a number before its point, and behind it: written out, 1e999999999 would fill the memory."""
LARGEST = 10**MOST_DIGITS
EXACT = Context(prec=2 * MOST_DIGITS)
DEEPEST = 100
"""Lists and objects inside each other."""
NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""Characters that no database keeps: U+0000, and halves of a pair without the other half."""


def is_held(value: object) -> bool:
    """Whether files and databases hold such a value; frictionless reads some that none of them does."""
    match value:
        case bool():
            return True
        case int():
            return abs(value) < LARGEST
        case Decimal():
            return _is_moderate(value)
        case datetime() if value.tzinfo is not None:
            return _has_utc(value)
        case dict() | list() | tuple():
            return _is_json(value)
    return True


def _is_moderate(value: Decimal) -> bool:
    if not value.is_finite():
        return not value.is_snan()
    return not value or (abs(value.adjusted()) < MOST_DIGITS and _fraction(value) < MOST_DIGITS)


def _has_utc(value: datetime) -> bool:
    try:
        value.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _is_json(value: object, depth: int = 0) -> bool:
    """JSON knows no NaN and no infinity."""
    match value:
        case dict():
            return depth < DEEPEST and all(_is_json(part, depth + 1) for pair in value.items() for part in pair)
        case list() | tuple():
            return depth < DEEPEST and all(_is_json(part, depth + 1) for part in value)
        case str():
            return NO_TEXT.search(value) is None
        case float():
            return value - value == 0
    return is_held(value)


def series_of(field: Field, targets: Sequence[object]) -> pl.Series:
    """Targets of frictionless's reader as a series; integers beyond 64 bits and long fractions are decimals."""
    match field.type:
        case "integer" | "year":
            return _integers(targets)
        case "number":
            return _numbers(targets)
        case "boolean":
            return pl.Series(targets, dtype=pl.Boolean)
        case "date":
            return pl.Series([_plain_date(value) for value in targets], dtype=pl.Date)
        case "datetime":
            return _moments(targets)
        case "time":
            return _times(targets)
    return pl.Series([_written(value, field) for value in targets], dtype=pl.String)


def _integers(targets: Sequence[object]) -> pl.Series:
    values = [value for value in targets if isinstance(value, int)]
    if all(-INT64 <= value < INT64 for value in values):
        return pl.Series(targets, dtype=pl.Int64)
    if all(abs(value) < WIDE for value in values):
        return pl.Series([None if v is None else Decimal(str(v)) for v in targets], dtype=pl.Decimal(38, 0))
    return pl.Series([None if value is None else str(value) for value in targets], dtype=pl.String)


def _numbers(targets: Sequence[object]) -> pl.Series:
    values = [None if value is None else Decimal(str(value)) for value in targets]
    present = [value for value in values if value is not None]
    if all(exact_as_float(value) for value in present):
        return pl.Series([None if value is None else float(value) + 0.0 for value in values], dtype=pl.Float64)
    scale = max((_fraction(value) for value in present if value.is_finite()), default=0)
    if all(value.is_finite() and abs(value) < Decimal(10) ** (38 - scale) for value in present) and scale < 38:
        return pl.Series(values, dtype=pl.Decimal(38, scale))
    return pl.Series([None if value is None else _plain(value) for value in values], dtype=pl.String)


def exact_as_float(value: Decimal) -> bool:
    """Whether a float holds the number so that it is written back as the same digits; NaN and infinity count as held."""
    return not value.is_finite() or Decimal(repr(float(value))) == value


def _fraction(value: Decimal) -> int:
    exponent = value.normalize(EXACT).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _plain(value: Decimal) -> str:
    if not value.is_finite():
        return str(value)
    return format(value.normalize(EXACT), "f") if value else "0"


def _plain_date(value: object) -> date | None:
    return value.date() if isinstance(value, datetime) else value  # type: ignore[return-value]


def _moments(targets: Sequence[object]) -> pl.Series:
    """Moments with an offset become UTC; when only some have one, text keeps what each of them says."""
    values = [value for value in targets if isinstance(value, datetime)]
    aware = [value for value in values if value.tzinfo is not None]
    if not aware:
        return pl.Series(targets, dtype=pl.Datetime("us"))
    in_utc = [value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value for value in targets]
    if len(aware) == len(values):
        return pl.Series(in_utc, dtype=pl.Datetime("us", "UTC"))
    return pl.Series([value.isoformat() if isinstance(value, datetime) else None for value in in_utc], dtype=pl.String)


def _times(targets: Sequence[object]) -> pl.Series:
    values = [value for value in targets if isinstance(value, time)]
    if all(value.tzinfo is None for value in values):
        return pl.Series(targets, dtype=pl.Time)
    return pl.Series([value.isoformat() if isinstance(value, time) else None for value in targets], dtype=pl.String)


def _written(value: object, field: Field) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list) and field.type != "list":
        return json.dumps(value, ensure_ascii=False)
    return str(field.write_cell(value)[0])

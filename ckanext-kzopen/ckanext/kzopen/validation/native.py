"""Cells that are not text in their file (spreadsheets, JSON, Parquet) as the text that their field expects."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

import polars as pl
import pyarrow as pa
from ckanext.kzopen.validation.typed import MOST_DIGITS
from frictionless import Field

LARGEST_PLAIN = 1e15
SMALLEST_PLAIN = 1e-4
FIRST_YEAR = 1000  # earlier ones are padded by some and not by others
MIDNIGHT = time()
NUMBER = "\ud800"
"""Half of a letter, which no text has that is read from a file: behind it stands a number in JSON."""
AS_IT_IS = re.compile(f'"{NUMBER}([^"]*)"')
PLAIN_FORM = re.compile(r"(%[YmdHMS]|[ .:/T-])*")


def as_text(values: Sequence[object], field: Field) -> pl.Series:
    """A column as strings: a date is written in the field's own format, 5.0 as 5, true as the field's word for it.

    A code that a spreadsheet keeps as a number thus becomes its digits; zeros that it lost are found by the pattern.
    """
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pl.Series(values, dtype=pl.String)
    if str in kinds:
        texts = pl.Series([value if type(value) is str else None for value in values], dtype=pl.String)
        return texts.zip_with(texts.is_not_null(), as_text([None if type(value) is str else value for value in values], field))
    if kinds <= {int, float}:
        found = _plain_numbers(values, field)
        if found is not None:
            return found
    if kinds <= {date, datetime} and (found := _whole_seconds(values, kinds, field)) is not None:
        return found
    return pl.Series([None if value is None else _text(value, field) for value in values], dtype=pl.String)


def _whole_seconds(values: Sequence[object], kinds: set[type], field: Field) -> pl.Series | None:
    """A column of days and moments at once.

    None when one has an offset or parts of a second, is no midnight where days are expected, or is of a year or in a format
    that polars and Python might write otherwise.
    """
    if datetime in kinds and any(type(value) is datetime and value.tzinfo is not None for value in values):
        return None
    alike = [_moment(value) for value in values] if date in kinds else values
    moments = pl.Series(pa.array(alike, pa.timestamp("us")))
    midnight = (moments == moments.dt.truncate("1d")).all()
    if (moments.dt.microsecond() != 0).any() or (moments.dt.year() < FIRST_YEAR).any():
        return None
    if field.type == "datetime":
        form = field.format if "%" in field.format else "%Y-%m-%dT%H:%M:%S"
    elif midnight:
        form = field.format if field.type == "date" and "%" in field.format else "%Y-%m-%d"
    else:
        return None
    return moments.dt.strftime(form) if PLAIN_FORM.fullmatch(form) else None


def _moment(value: object) -> object:
    return datetime.combine(value, MIDNIGHT) if type(value) is date else value


def _plain_numbers(values: Sequence[object], field: Field) -> pl.Series | None:
    """A column of moderate numbers at once; None when one needs an exponent, where polars and Python write otherwise."""
    numbers = pl.Series(values, dtype=pl.Float64, strict=False)
    if numbers.null_count() > values.count(None):  # one is larger than any float
        return None
    size = numbers.abs()
    whole = (numbers == numbers.floor()).fill_null(True)
    if not ((size < LARGEST_PLAIN) & (whole | (size >= SMALLEST_PLAIN))).fill_null(True).all():
        return None
    fractions = numbers.cast(pl.String).str.replace(".", getattr(field, "decimal_char", "."), literal=True)
    return numbers.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole, fractions)


def _text(value: object, field: Field) -> str:
    match value:
        case str():
            return value
        case bool():
            words = getattr(field, "true_values" if value else "false_values", None)
            return words[0] if words else str(value).lower()
        case int():
            return str(value)
        case float() | Decimal():
            return _number(value, field)
        case datetime() | date():
            return _date(value, field)
        case time():
            return value.isoformat()
        case dict() | list():
            return AS_IT_IS.sub(r"\1", json.dumps(value, ensure_ascii=False, default=_in_json))
    return str(value)


def _in_json(value: object) -> object:
    """Fractions inside objects stay as they are written: a float holds neither 1e400 nor all digits."""
    return f"{NUMBER}{value}" if isinstance(value, Decimal) else str(value)


def _number(value: float | Decimal, field: Field) -> str:
    if isinstance(value, float):
        if value.is_integer() and abs(value) < LARGEST_PLAIN:
            return str(int(value))
        value = Decimal(repr(value))
    moderate = value.is_finite() and abs(value.adjusted()) < 2 * MOST_DIGITS
    text = format(value, "f") if moderate else str(value)
    return text.replace(".", getattr(field, "decimal_char", "."))


def _date(value: date, field: Field) -> str:
    """Midnight in a column that is not of times is a date: spreadsheets know no dates without a time."""
    midnight = not isinstance(value, datetime) or value.time() == time()
    if field.type == "date" and midnight:
        return value.strftime(field.format) if "%" in field.format else value.isoformat()[:10]
    if field.type == "datetime":
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        return moment.strftime(field.format) if "%" in field.format else moment.isoformat()
    return value.isoformat()[:10] if midnight else value.isoformat()

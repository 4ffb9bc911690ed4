"""The cells of a column of text that vectors prove right, with their values; all others are frictionless's to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from ckanext.kzopen.validation.typed import exact_as_float
from frictionless import Field

PLAIN_PATTERN = re.compile(r"(\\[.dD\-/]|[A-Za-zА-Яа-я0-9_ \-./:,;#№()|]|\[[A-Za-zА-Яа-я0-9_ \-.]+\]|\{\d+(,\d*)?\}|[?*+])*")
TOKENS = {"%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}", "%H": "[0-9]{2}", "%M": "[0-5][0-9]", "%S": "[0-5][0-9]"}
BOUNDS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}
EXACT_DIGITS = 15


@dataclass(frozen=True)
class Accepted:
    """Typed values of the accepted cells, None elsewhere."""

    values: pl.Series
    mask: pl.Series


def accepted_of(cells: pl.Series, field: Field, present: pl.Series) -> Accepted:
    """The cells that are surely right, with their values."""
    match field.type:
        case "string" | "any":
            found = _texts(cells, field, present)
        case "integer":
            found = _integers(cells, present)
        case "number":
            found = _numbers(cells, field, present)
        case "date":
            found = _dates(cells, field, present)
        case "datetime":
            found = _moments(cells, field, present)
        case _:
            return _nothing(cells, pl.String())
    return _within_constraints(found, field)


def _nothing(cells: pl.Series, dtype: pl.DataType) -> Accepted:
    empty = pl.repeat(None, len(cells), dtype=dtype, eager=True)
    return Accepted(empty, pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True))


def _masked(values: pl.Series, mask: pl.Series) -> Accepted:
    mask = (mask & values.is_not_null()).fill_null(False)
    return Accepted(_only(values, mask), mask)


def _only(values: pl.Series, mask: pl.Series) -> pl.Series:
    return values if mask.sum() == len(mask) - values.null_count() else values.set(~mask, None)


def _texts(cells: pl.Series, field: Field, present: pl.Series) -> Accepted:
    if field.type == "string" and field.format != "default":
        return _nothing(cells, pl.String())
    return _masked(cells, present)


def _integers(cells: pl.Series, present: pl.Series) -> Accepted:
    """Written as a machine would write them, or digits with zeros before them."""
    values = cells.cast(pl.Int64, strict=False)
    plain = cells.str.contains("^-?[0-9]{1,18}$")
    return _masked(values, present & _or_written_alike(plain, present, values, cells))


def _or_written_alike(sure: pl.Series, present: pl.Series, values: pl.Series, texts: pl.Series) -> pl.Series:
    """Which values are sure, or are written back as the same text; only the latter are written."""
    sure = sure.fill_null(value=False)
    asked = (present & ~sure).arg_true()
    if not len(asked):
        return sure
    return sure.scatter(asked, (values.gather(asked).cast(pl.String) == texts.gather(asked)).fill_null(value=False))


def _numbers(cells: pl.Series, field: Field, present: pl.Series) -> Accepted:
    """Up to 15 digits, or more of them when a float writes them back unchanged."""
    point, group = getattr(field, "decimal_char", "."), getattr(field, "group_char", "")
    texts = cells
    if group and not group.isalnum() and group not in "-+." and group != point:
        grouped = f"^-?[0-9]{{1,3}}({re.escape(group)}[0-9]{{3}})+({re.escape(point)}[0-9]+)?$"
        stripped = texts.str.replace_all(group, "", literal=True)
        texts = stripped.zip_with(texts.str.contains(grouped).fill_null(False), texts)
    plain = present & texts.str.contains(f"^-?[0-9]+({re.escape(point)}[0-9]+)?$")
    if point != ".":
        texts = texts.set(~plain.fill_null(False), None).str.replace(point, ".", literal=True)
    values = texts.cast(pl.Float64, strict=False) + 0.0
    exact = texts.str.len_bytes() <= EXACT_DIGITS
    return _masked(values, plain & _or_written_alike(exact, plain, values, texts))


def _dates(cells: pl.Series, field: Field, present: pl.Series) -> Accepted:
    """Days in ISO form or in a format of plain numbers."""
    form = "%Y-%m-%d" if field.format == "default" else field.format
    shape = _shape(form, ("%Y", "%m", "%d"))
    if shape is None:
        return _nothing(cells, pl.Date())
    plain = present & cells.str.contains(shape)
    values = cells.str.to_date(form, strict=False)
    return _masked(values, plain & (values.dt.year() >= 1))


def _moments(cells: pl.Series, field: Field, present: pl.Series) -> Accepted:
    """Times without an offset, in ISO form or in a format of plain numbers."""
    form = "%Y-%m-%dT%H:%M:%S" if field.format == "default" else field.format
    shape = _shape(form, tuple(TOKENS))
    if shape is None:
        return _nothing(cells, pl.Datetime("us"))
    texts = cells
    if field.format == "default" and cells.str.contains(" ", literal=True).any():
        texts = texts.str.replace("^([0-9]{4}-[0-9]{2}-[0-9]{2}) ", "${1}T")
    plain = present & texts.str.contains(shape)
    values = texts.str.to_datetime(form, time_unit="us", strict=False, cache=False)
    return _masked(values, plain & (values.dt.year() >= 1))


def _shape(form: str, tokens: Sequence[str]) -> str | None:
    """A pattern of what is written in the format; None unless it has each of the tokens once and no others."""
    escaped = re.sub(r"[.()\[\]+*?^$|\\{}]", r"\\\g<0>", form)
    shape = re.sub(r"%.", lambda token: TOKENS[token[0]] if token[0] in tokens else "%", escaped)
    return None if "%" in shape or any(form.count(token) != 1 for token in tokens) else f"^{shape}$"


def _within_constraints(found: Accepted, field: Field) -> Accepted:
    """Accept fewer: only the cells that keep every constraint beyond doubt."""
    mask = found.mask
    reader = field.create_value_reader()
    for name, wanted in field.constraints.items():
        if name in field.supported_constraints and name != "required" and wanted is not None:
            mask = mask & _keeps(found.values, field, name, wanted, reader).fill_null(False)
    return Accepted(_only(found.values, mask), mask)


def _keeps(values: pl.Series, field: Field, name: str, wanted: Any, reader: Any) -> pl.Series:
    nothing = pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)
    if name in BOUNDS:
        bound = _bound(reader(wanted), field)
        return nothing if bound is None else getattr(values, BOUNDS[name])(bound)
    if name == "enum":
        return _in_enum(values, [reader(value) for value in wanted])
    if values.dtype != pl.String:
        return nothing
    match name:
        case "minLength":
            return values.str.len_chars() >= wanted
        case "maxLength":
            return values.str.len_chars() <= wanted
        case "pattern" if PLAIN_PATTERN.fullmatch(wanted):
            return values.str.contains(rf"\A(?:^{wanted}$)", strict=False).fill_null(False)
    return nothing


def _bound(value: Any, field: Field) -> Any:
    """The bound as the column's fast type, when that holds it exactly."""
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() and exact_as_float(value) else None
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, int) and field.type == "integer":
        return value if abs(value) < 2**63 else None
    if field.type == "datetime" and getattr(value, "tzinfo", None) is not None:
        return None
    return value


def _in_enum(values: pl.Series, wanted: list[Any]) -> pl.Series:
    if values.dtype == pl.Float64:
        wanted = [float(value) for value in wanted if value is not None and exact_as_float(Decimal(str(value)))]
    if values.dtype == pl.Int64:
        wanted = [value for value in wanted if isinstance(value, int) and abs(value) < 2**63]
    if values.dtype == pl.Datetime("us"):
        wanted = [value for value in wanted if value is not None and value.tzinfo is None]
    return values.is_in(pl.Series(wanted, dtype=values.dtype)) if wanted else values.is_null() & values.is_not_null()

"""One column against one field: what vectors can prove right is taken, the rest is asked of frictionless itself.

The vectorised part may only accept: a cell that it does not accept is read by frictionless's own reader, once for each
distinct text. Hence codes and values are frictionless's whatever the vectors understand; they only make it fast.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from ckanext.kzopen.validation.typed import exact_as_float, series_of
from frictionless import Field

PLAIN_PATTERN = re.compile(r"(\\[.dD\-/]|[A-Za-zА-Яа-я0-9_ \-./:,;#№()|]|\[[A-Za-zА-Яа-я0-9_ \-.]+\]|\{\d+(,\d*)?\}|[?*+])*")
TOKENS = {"%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}", "%H": "[0-9]{2}", "%M": "[0-5][0-9]", "%S": "[0-5][0-9]"}
BOUNDS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}
EXACT_DIGITS = 15
AT_ONCE = 50_000
"""Texts that are there as Python's at a time: these take ten times the room of polars'."""
CODES = pl.Enum(["type-error", "constraint-error"])
FAULTS: Mapping[str, Any] = {"index": pl.UInt32, "code": CODES, "times": pl.UInt32}
Reader = Callable[[object], tuple[Any, dict[str, str] | None]]


@dataclass(frozen=True)
class Column:
    """`values` as read (None where missing or of a wrong type), which cells are `missing`, and how many faults of
    each code each cell has: `faults` has columns index, code, times."""

    field: Field
    values: pl.Series
    missing: pl.Series
    faults: pl.DataFrame


@dataclass(frozen=True)
class _Accepted:
    """Typed values of the accepted cells, None elsewhere."""

    values: pl.Series
    mask: pl.Series


@dataclass(frozen=True)
class _Read:
    """What frictionless reads from each of some texts, and its faults: `kinds` are positions in `codes`."""

    values: pl.Series
    kinds: pl.Series
    codes: Sequence[tuple[str, ...]]


def check_column(cells: pl.Series, field: Field) -> Column:
    """Read every cell of a column of text; the order of rows is kept."""
    missing = _missing(cells, field)
    accepted = _accepted(cells, field, ~missing)
    odd = (~missing & ~accepted.mask).arg_true()
    if not len(odd):
        return Column(field, accepted.values, missing, _faults(odd, missing, None, field))
    texts = cells.gather(odd)
    read = _read_each(texts, field)
    values = _together(accepted, odd, read)
    if values is None:
        return _by_reader_alone(cells, field, missing)
    return Column(field, values, missing, _faults(odd, missing, read, field))


def _missing(cells: pl.Series, field: Field) -> pl.Series:
    texts = missing_values(field)
    named = cells == texts[0] if len(texts) == 1 else cells.is_in(texts)
    return cells.is_null() | named.fill_null(value=False) if cells.null_count() else named


def missing_values(field: Field) -> list[str]:
    """The texts that mean "no value" in this field: its own list, else its schema's."""
    if not field.has_defined("missing_values") and field.schema:
        return list(field.schema.missing_values)
    return list(field.missing_values)


def _by_reader_alone(cells: pl.Series, field: Field, missing: pl.Series) -> Column:
    """The same when accepted values and odd ones have no common fast type (sums of 20 digits, mixed time zones)."""
    present = (~missing).arg_true()
    read = _read_each(cells.gather(present), field)
    values = pl.repeat(None, len(cells), dtype=read.values.dtype, eager=True).scatter(present, read.values)
    return Column(field, values, missing, _faults(present, missing, read, field))


def _read_each(texts: pl.Series, field: Field) -> _Read:
    """What frictionless reads from each of these texts, and the codes of its faults; of those that are alike it reads one."""
    reader = safe_reader(field)
    codes: dict[tuple[str, ...], int] = {(): 0}
    values: list[pl.Series] = []
    kinds: list[pl.Series] = []
    for start in range(0, len(texts) or 1, AT_ONCE):
        part = texts.slice(start, AT_ONCE)
        distinct = part.unique(maintain_order=True)
        read = [reader(text) for text in distinct.to_list()]
        values.append(_spread(part, distinct, series_of(field, [target for target, _ in read])))
        found = [codes.setdefault(_codes(notes), len(codes)) if notes else 0 for _, notes in read]
        kinds.append(_spread(part, distinct, pl.Series(found, dtype=pl.UInt32)))
    whole = _of_one_type(values)
    if whole is None:
        distinct = texts.unique(maintain_order=True)
        whole = _spread(texts, distinct, series_of(field, [reader(text)[0] for text in distinct.to_list()]))
    return _Read(whole, pl.concat(kinds), list(codes))


def _of_one_type(parts: Sequence[pl.Series]) -> pl.Series | None:
    """The parts as one series; None when they do not share a type."""
    types = {part.dtype for part in parts if part.null_count() < len(part)} or {parts[0].dtype}
    if len(types) > 1:
        return None
    return pl.concat([part.cast(dtype) for dtype in types for part in parts])


def safe_reader(field: Field) -> Reader:
    """Frictionless's reader of a cell, which fails where a value and a bound cannot be compared (a moment with an
    offset and one without): then the value is not of the type that the field expects."""
    reader = field.create_cell_reader()

    def read(cell: object) -> tuple[Any, dict[str, str] | None]:
        try:
            return reader(cell)
        except TypeError:
            return None, {"type": f'type is "{field.type}/{field.format}"'}

    return read


def _codes(notes: Mapping[str, str]) -> tuple[str, ...]:
    return tuple("type-error" if name == "type" else "constraint-error" for name in notes)


def _together(accepted: _Accepted, odd: pl.Series, read: _Read) -> pl.Series | None:
    """Accepted and odd values as one series; None when they do not share a type. The odd ones stand at the indexes `odd`."""
    found, accepts = read.values, accepted.mask.any()
    if accepts and found.null_count() == len(found):
        return accepted.values
    if accepts and found.dtype != accepted.values.dtype:
        return None
    values = accepted.values.clone() if accepts else pl.repeat(None, len(accepted.mask), dtype=found.dtype, eager=True)
    return values.scatter(odd, found) if found.null_count() < len(found) else values


def _spread(texts: pl.Series, distinct: pl.Series, values: pl.Series) -> pl.Series:
    """Put the value of each distinct text where the text stands."""
    if len(distinct) == len(texts):  # each stands once, and in the same order
        return values
    known = pl.DataFrame({"text": distinct, "value": values})
    frame = texts.rename("text").to_frame().join(known, on="text", how="left", maintain_order="left")
    return frame["value"]


def _faults(odd: pl.Series, missing: pl.Series, read: _Read | None, field: Field) -> pl.DataFrame:
    """The faults of the cells that were read, which stand at the indexes `odd`, and of empty ones where they may not be."""
    wrong = _faults_of_texts(odd, read) if read and len(read.codes) > 1 else pl.DataFrame(schema=FAULTS)
    _target, notes = safe_reader(field)(None)
    if notes:
        empty = pl.DataFrame({"index": missing.arg_true().cast(pl.UInt32)})
        wrong = pl.concat(
            [
                wrong,
                empty.select("index", code=pl.lit("constraint-error", dtype=CODES), times=pl.lit(len(notes), dtype=pl.UInt32)),
            ]
        )
    return wrong


def _faults_of_texts(odd: pl.Series, read: _Read) -> pl.DataFrame:
    rows = [(kind, code, times) for kind, codes in enumerate(read.codes) for code, times in Counter(codes).items()]
    known = pl.DataFrame(rows, schema={"kind": pl.UInt32, "code": CODES, "times": pl.UInt32}, orient="row")
    frame = pl.DataFrame({"index": odd.cast(pl.UInt32), "kind": read.kinds})
    return frame.filter(pl.col("kind") > 0).join(known, on="kind").select("index", "code", "times")


def _accepted(cells: pl.Series, field: Field, present: pl.Series) -> _Accepted:
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


def _nothing(cells: pl.Series, dtype: pl.DataType) -> _Accepted:
    empty = pl.repeat(None, len(cells), dtype=dtype, eager=True)
    return _Accepted(empty, pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True))


def _masked(values: pl.Series, mask: pl.Series) -> _Accepted:
    mask = (mask & values.is_not_null()).fill_null(False)
    return _Accepted(_only(values, mask), mask)


def _only(values: pl.Series, mask: pl.Series) -> pl.Series:
    return values if mask.sum() == len(mask) - values.null_count() else values.set(~mask, None)


def _texts(cells: pl.Series, field: Field, present: pl.Series) -> _Accepted:
    if field.type == "string" and field.format != "default":
        return _nothing(cells, pl.String())
    return _masked(cells, present)


def _integers(cells: pl.Series, present: pl.Series) -> _Accepted:
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


def _numbers(cells: pl.Series, field: Field, present: pl.Series) -> _Accepted:
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


def _dates(cells: pl.Series, field: Field, present: pl.Series) -> _Accepted:
    """Days in ISO form or in a format of plain numbers."""
    form = "%Y-%m-%d" if field.format == "default" else field.format
    shape = _shape(form, ("%Y", "%m", "%d"))
    if shape is None:
        return _nothing(cells, pl.Date())
    plain = present & cells.str.contains(shape)
    values = cells.str.to_date(form, strict=False)
    return _masked(values, plain & (values.dt.year() >= 1))


def _moments(cells: pl.Series, field: Field, present: pl.Series) -> _Accepted:
    """Times without an offset, in ISO form or in a format of plain numbers."""
    form = "%Y-%m-%dT%H:%M:%S" if field.format == "default" else field.format
    shape = _shape(form, tuple(TOKENS))
    if shape is None:
        return _nothing(cells, pl.Datetime("us"))
    texts = cells
    if field.format == "default":
        texts = texts.str.replace("^([0-9]{4}-[0-9]{2}-[0-9]{2}) ", "${1}T")
    plain = present & texts.str.contains(shape)
    values = texts.str.to_datetime(form, time_unit="us", strict=False, cache=False)
    return _masked(values, plain & (values.dt.year() >= 1))


def _shape(form: str, tokens: Sequence[str]) -> str | None:
    """A pattern of what is written in the format; None unless it has each of the tokens once and no others."""
    escaped = re.sub(r"[.()\[\]+*?^$|\\{}]", r"\\\g<0>", form)
    shape = re.sub(r"%.", lambda token: TOKENS[token[0]] if token[0] in tokens else "%", escaped)
    return None if "%" in shape or any(form.count(token) != 1 for token in tokens) else f"^{shape}$"


def _within_constraints(found: _Accepted, field: Field) -> _Accepted:
    """Accept fewer: only the cells that keep every constraint beyond doubt."""
    mask = found.mask
    reader = field.create_value_reader()
    for name, wanted in field.constraints.items():
        if name in field.supported_constraints and name != "required" and wanted is not None:
            mask = mask & _keeps(found.values, field, name, wanted, reader).fill_null(False)
    return _Accepted(_only(found.values, mask), mask)


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

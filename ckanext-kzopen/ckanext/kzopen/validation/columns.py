"""One column against one field: what vectors can prove right is taken, the rest is asked of frictionless itself.

The vectorised part may only accept: a cell that it does not accept is read by frictionless's own reader, once for each
distinct text. Hence codes and values are frictionless's whatever the vectors understand; they only make it fast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from ckanext.kzopen.validation.accepting import Accepted, accepted_of
from ckanext.kzopen.validation.distinct import AT_ONCE, strips
from ckanext.kzopen.validation.typed import is_held, series_of
from frictionless import Field

CODES = pl.Enum(["type-error", "constraint-error"])
TIMES = pl.UInt8
KINDS = pl.UInt16
FAULTS: Mapping[str, Any] = {"index": pl.UInt32, "code": CODES, "times": TIMES}
Reader = Callable[[object], tuple[Any, dict[str, str] | None]]


@dataclass(frozen=True)
class Column:
    """`values` as read (None where missing or of a wrong type; of a wrong column nobody may ask for them), which cells are
    `missing`, and how many faults of each code each cell has: `faults` has columns index, code, times."""

    field: Field
    values: pl.Series
    missing: pl.Series
    faults: pl.DataFrame


@dataclass(frozen=True)
class _Read:
    """What frictionless reads from each of some texts, and its faults: `kinds` are positions in `codes`."""

    values: pl.Series
    kinds: pl.Series
    codes: Sequence[tuple[str, ...]]


def check_column(cells: pl.Series, field: Field) -> Column:
    """Read every cell of a column of text, a strip at a time; the order of rows is kept."""
    parts = [_checked(strip, field) for strip in strips(cells)]
    if len(parts) == 1:
        return parts[0]
    values = _of_one_type([part.values for part in parts])
    if values is None:
        return _checked(cells, field)
    faults, start = [], 0
    for part in parts:
        faults.append(part.faults.with_columns(pl.col("index") + pl.lit(start, dtype=pl.UInt32)))
        start += len(part.missing)
    return Column(field, values, pl.concat([part.missing for part in parts]), pl.concat(faults))


def _checked(cells: pl.Series, field: Field) -> Column:
    missing = _missing(cells, field)
    accepted = accepted_of(cells, field, ~missing)
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
        kinds.append(_spread(part, distinct, pl.Series(found, dtype=KINDS)))
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
    offset and one without): then the value is not of the type that the field expects. Nor is one that nothing holds."""
    reader = field.create_cell_reader()

    def read(cell: object) -> tuple[Any, dict[str, str] | None]:
        try:
            value, notes = reader(cell)
        except (TypeError, ValueError, ArithmeticError, RecursionError):
            value, notes = None, {"type": f'type is "{field.type}/{field.format}"'}
        return (value, notes) if is_held(value) else (None, {"type": f'type is "{field.type}/{field.format}"'})

    return read


def _codes(notes: Mapping[str, str]) -> tuple[str, ...]:
    return tuple("type-error" if name == "type" else "constraint-error" for name in notes)


def _together(accepted: Accepted, odd: pl.Series, read: _Read) -> pl.Series | None:
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
                empty.select("index", code=pl.lit("constraint-error", dtype=CODES), times=pl.lit(len(notes), dtype=TIMES)),
            ]
        )
    return wrong


def _faults_of_texts(odd: pl.Series, read: _Read) -> pl.DataFrame:
    rows = [(kind, code, times) for kind, codes in enumerate(read.codes) for code, times in Counter(codes).items()]
    known = pl.DataFrame(rows, schema={"kind": KINDS, "code": CODES, "times": TIMES}, orient="row")
    frame = pl.DataFrame({"index": odd.cast(pl.UInt32), "kind": read.kinds})
    return frame.filter(pl.col("kind") > 0).join(known, on="kind").select("index", "code", "times")

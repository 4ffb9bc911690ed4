"""Errors one by one, from the rows that are known to be wrong: frictionless reads their cells and has the sentences.

Its `Row` would make the same errors, but an error of its own describes itself before it has a message, which takes four times
as long as all the rest; of a wrong file there may be a hundred thousand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

import polars as pl
from ckanext.kzopen.validation.cells import Cells
from ckanext.kzopen.validation.columns import safe_reader
from ckanext.kzopen.validation.integrity import Repeats
from frictionless import Field, errors
from frictionless.helpers import safe_format
from frictionless.table.row import create_cell_handlers

Notes = dict[int, list[tuple[str | None, str]]]
AT_ONCE = 1000
"""Wrong rows whose cells are in memory as Python's at a time."""


class RowError(NamedTuple):
    """What frictionless calls an error of a row or of a cell, by its names."""

    type: str
    template: str
    note: str
    row_number: int
    cell: str | None = None
    field_name: str | None = None
    field_number: int | None = None

    @property
    def message(self) -> str:
        """Frictionless's own sentence."""
        told = {"note": self.note, "rowNumber": self.row_number, "cell": self.cell}
        return str(safe_format(self.template, told | {"fieldName": self.field_name, "fieldNumber": self.field_number}))


@dataclass(frozen=True)
class Located:
    """A table of text, its fields, the indexes of its wrong rows in order, and what repeats in it."""

    cells: Cells
    texts: Sequence[pl.Series]
    fields: Sequence[Field]
    bad: pl.Series
    repeats: Sequence[Repeats]


def listed(located: Located) -> Iterator[RowError]:
    """The errors in the order of the file, each row's in frictionless's order; made as they are read."""
    handlers = _handlers(located.fields)
    for start in range(0, len(located.bad), AT_ONCE):
        yield from _errors(located, located.bad.slice(start, AT_ONCE), handlers)


def _errors(located: Located, bad: pl.Series, handlers: Mapping[str, Any]) -> Iterator[RowError]:
    numbers = located.cells.numbers.gather(bad).to_list()
    rows = zip(*(text.gather(bad).to_list() for text in located.texts), strict=True)
    notes = _notes(located, set(bad.to_list()))
    for index, number, cells in zip(bad.to_list(), numbers, rows, strict=True):
        values: dict[str, Any] = {}
        yield from _of_row(located.cells.ragged.get(number, cells), number, handlers, values)
        for name, note in notes[index]:
            if name is None:
                yield _told(errors.PrimaryKeyError, note, number)
            else:
                yield _told(errors.UniqueError, note, number, str(values[name]), name, handlers[name].field_number)


def _of_row(cells: Sequence[Any], number: int, handlers: Mapping[str, Any], values: dict[str, Any]) -> Sequence[RowError]:
    """The errors of one row, and in `values` what its cells say; as `frictionless.Row` has them."""
    found, blank = [], 0
    for handler, cell in zip_longest(handlers.values(), cells):
        if handler is None:
            break
        values[handler.field.name], notes = handler.reader(cell)
        blank += values[handler.field.name] is None and "type" not in (notes or {})
        for kind, note in (notes or {}).items():
            error = errors.TypeError if kind == "type" else errors.ConstraintError
            found.append(_told(error, note, number, str(cell), handler.field.name, handler.field_number))
    if blank == len(handlers):
        return [_told(errors.BlankRowError, "", number)]
    for place, cell in enumerate(cells[len(handlers) :], start=len(handlers) + 1):
        found.append(_told(errors.ExtraCellError, "", number, str(cell), "", place))
    for handler in list(handlers.values())[len(cells) :]:
        found.append(_told(errors.MissingCellError, "", number, "", handler.field.name, handler.field_number))
    return found


def _told(error: type[errors.RowError], note: str, number: int, *of_cell: Any) -> RowError:
    return RowError(error.type, error.template, note, number, *of_cell)


def _handlers(fields: Sequence[Field]) -> dict[str, Any]:
    handlers = create_cell_handlers(list(fields))
    return {field.name: handlers[field.name]._replace(reader=safe_reader(field)) for field in fields}


def _notes(located: Located, wanted: set[int]) -> Notes:
    """What frictionless would say of repetitions in the wanted rows."""
    notes: Notes = defaultdict(list)
    for repeat in located.repeats:
        for index, before in repeat.rows.filter(pl.col("index").is_in(list(wanted))).iter_rows():
            if before is None:
                notes[index].append((None, 'cells composing the primary keys are all "None"'))
            else:
                number = located.cells.numbers[before]
                notes[index].append((repeat.field, f"the same as in the row at position {number}"))
    return notes

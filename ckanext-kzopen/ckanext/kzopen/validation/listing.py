"""The first errors one by one, made by frictionless itself from the rows that are known to be wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl
from ckanext.kzopen.validation.cells import Cells
from ckanext.kzopen.validation.columns import safe_reader
from ckanext.kzopen.validation.integrity import Repeats
from frictionless import Error, Field
from frictionless.errors import PrimaryKeyError, UniqueError
from frictionless.table.row import Row, create_cell_handlers

Notes = dict[int, list[tuple[str | None, str]]]


@dataclass(frozen=True)
class Located:
    """A table of text, its fields, the indexes of its wrong rows in order, and what repeats in it."""

    cells: Cells
    texts: Sequence[pl.Series]
    fields: Sequence[Field]
    bad: pl.Series
    repeats: Sequence[Repeats]


def listed(located: Located, limit: int) -> list[Error]:
    """At most `limit` errors in the order of the file, each row's in frictionless's order."""
    return list(islice(_errors(located, limit), limit))


def _errors(located: Located, limit: int) -> Iterator[Error]:
    handlers = _handlers(located.fields)
    bad = located.bad.head(limit)
    numbers = located.cells.numbers.gather(bad).to_list()
    rows = zip(*(text.gather(bad).to_list() for text in located.texts), strict=True)
    notes = _notes(located, set(bad.to_list()))
    for index, number, cells in zip(bad.to_list(), numbers, rows, strict=True):
        row = Row(list(located.cells.ragged.get(number, cells)), handlers=handlers, row_number=number)
        yield from row.errors
        for field, note in notes[index]:
            if field is None:
                yield PrimaryKeyError.from_row(row, note=note)
            else:
                yield UniqueError.from_row(row, note=note, field_name=field)


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

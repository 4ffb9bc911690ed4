"""Repairs that a person has accepted are made on the cells, before these are checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import polars as pl
from ckanext.kzopen.validation.cells import Cells
from ckanext.kzopen.validation.infer import ANY
from ckanext.kzopen.validation.names import distinct
from ckanext.kzopen.validation.native import as_text
from ckanext.kzopen.validation.repairs.columns import mended
from ckanext.kzopen.validation.repairs.model import OF_COLUMNS, Key, Repair
from ckanext.kzopen.validation.repairs.suggest import Table, blank_columns, blank_extras, rows_of, texts_of, want_of

TAKE_OUT = ("numbering", "notes", "totals", "blank-rows", "repeated-keys")
Column = pl.Series | list[object]


def made(table: Table, repairs: Iterable[Repair], names: Sequence[str]) -> Cells:
    """The cells after these repairs; `names` are the schema's fields in its order, for columns without a good label.

    The order is fixed: the header first, then merged cells, rows that are no data, cells, rows that repeat.
    """
    keys = {repair.key for repair in repairs}
    cells = _headers(table, keys, names)
    cells = _merged(cells) if ("merged", None) in keys else cells
    cells = _extras(cells) if ("extra-cells", None) in keys else cells
    cells = _without(cells, _taken_out(replace(table, cells=cells, texts=_longer(table, cells)), keys))
    cells = _columns(table, cells, keys)
    cells = _without(cells, _repeats(table, cells) if {("repeats", None), ("same-rows", None)} & keys else ())
    return _fewer_columns(table, cells) if ("blank-columns", None) in keys else cells


def _headers(table: Table, keys: Collection[Key], names: Sequence[str]) -> Cells:
    """Labels by position where there are as many columns as fields; a first row that was taken for labels is data again.

    Without a schema (no `names`) a repeated label gets a number.
    """
    cells = table.cells
    if not names and ("labels", None) in keys:
        return replace(cells, labels=distinct(cells.labels))
    blank = set(blank_columns(table)) if ("blank-columns", None) in keys else set()
    kept = [n for n in range(1, len(cells.labels) + 1) if n not in blank]
    if not {("labels", None), ("no-header", None)} & set(keys) or len(kept) != len(names):
        return cells
    by_position = dict(zip(kept, names, strict=True))
    labels = [by_position.get(n, label) for n, label in enumerate(cells.labels, start=1)]
    if ("no-header", None) not in keys:
        return replace(cells, labels=labels)
    first: list[Column] = [
        pl.concat([pl.Series([label], dtype=pl.String), column]) if isinstance(column, pl.Series) else [label, *column]
        for label, column in zip(cells.labels, cells.columns, strict=True)
    ]
    numbers = pl.concat([pl.Series([cells.reading.header_row], dtype=cells.numbers.dtype), cells.numbers])
    return replace(cells, labels=labels, columns=first, numbers=numbers)


def _longer(table: Table, cells: Cells) -> Sequence[pl.Series]:
    return table.texts if cells is table.cells else texts_of(cells)


def _merged(cells: Cells) -> Cells:
    """The value of a merged cell in all the rows and columns that it covers."""
    columns = [column.to_list() if isinstance(column, pl.Series) else list(column) for column in cells.columns]
    for span in cells.spans:
        for n in range(span.left, min(span.right + 1, len(columns))):
            for row in range(span.top, min(span.bottom + 1, cells.rows)):
                columns[n][row] = columns[span.left][span.top]
    return replace(cells, columns=columns, spans=())


def _extras(cells: Cells) -> Cells:
    blank = set(blank_extras(cells, len(cells.labels)))
    return replace(cells, ragged={number: record for number, record in cells.ragged.items() if number not in blank})


def _taken_out(table: Table, keys: Collection[Key]) -> set[int]:
    return {index for kind in TAKE_OUT if (kind, None) in keys for index in rows_of(kind, table)}


def _without(cells: Cells, indexes: Collection[int]) -> Cells:
    """The cells without some rows; the others keep their numbers."""
    if not indexes:
        return cells
    keep = pl.Series([index not in indexes for index in range(cells.rows)], dtype=pl.Boolean)
    columns: list[Column] = [
        column.filter(keep)
        if isinstance(column, pl.Series)
        else [cell for cell, kept in zip(column, keep, strict=True) if kept]
        for column in cells.columns
    ]
    numbers = cells.numbers.filter(keep)
    left = set(numbers.to_list())
    ragged = {number: record for number, record in cells.ragged.items() if number in left}
    return replace(cells, columns=columns, numbers=numbers, ragged=ragged, spans=())


def _columns(table: Table, cells: Cells, keys: Collection[Key]) -> Cells:
    columns: list[Column] = list(cells.columns)
    for n, (name, label) in enumerate(zip(table.names, cells.labels, strict=True), start=1):
        kinds = {kind for kind, field in keys if field == name and kind in OF_COLUMNS}
        if kinds:
            columns[n - 1] = _mended(table, cells, n, label, kinds)
    return replace(cells, columns=columns)


def _mended(table: Table, cells: Cells, position: int, label: str, kinds: Collection[str]) -> Column:
    """Texts are mended; what a spreadsheet keeps as a number or a date stays so, but for codes, which become text."""
    column = cells.columns[position - 1]
    if isinstance(column, pl.Series):
        want = want_of(table, position, column, label)
        return mended(column, want, kinds) if want else column
    texts = as_text(column, ANY)
    want = want_of(table, position, texts, label)
    if want is None:
        return column
    new = mended(texts, want, kinds)
    if want.kind == "code":
        return new
    changed = (texts != new).fill_null(value=False).to_list()
    return [text if differs else cell for cell, text, differs in zip(column, new.to_list(), changed, strict=True)]


def _repeats(table: Table, cells: Cells) -> Collection[int]:
    return set(rows_of("repeats", replace(table, cells=cells, texts=texts_of(cells))))


def _fewer_columns(table: Table, cells: Cells) -> Cells:
    blank = set(blank_columns(table))
    keep = [n for n in range(len(cells.labels)) if n + 1 not in blank]
    labels, columns = [cells.labels[n] for n in keep], [cells.columns[n] for n in keep]
    ragged = {number: [cell for n, cell in enumerate(record) if n + 1 not in blank] for number, record in cells.ragged.items()}
    return replace(cells, labels=labels, columns=columns, ragged=ragged)

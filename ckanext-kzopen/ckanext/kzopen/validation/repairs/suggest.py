"""Which repairs a table is offered: read off its cells, and off what its schema says is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl
from ckanext.kzopen.validation.cells import Cells
from ckanext.kzopen.validation.headers import PLACEHOLDER
from ckanext.kzopen.validation.infer import ANY
from ckanext.kzopen.validation.names import field_names
from ckanext.kzopen.validation.native import as_text
from ckanext.kzopen.validation.repairs import rows as found_rows
from ckanext.kzopen.validation.repairs.columns import repairs_of
from ckanext.kzopen.validation.repairs.model import EXAMPLES, Repair
from ckanext.kzopen.validation.repairs.notations import PLAIN
from ckanext.kzopen.validation.repairs.wants import Want, wanted_by_values

ODD_LABEL = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}|\W*column\W*|[^\w№#%]+", re.IGNORECASE)
YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True)
class Table:
    """A table of text with the names of its fields; `wants` says what a schema wants of them, by position from 1,
    when it is asked.

    Without a schema it is None, and the values themselves say it.
    """

    cells: Cells
    texts: Sequence[pl.Series]
    names: Sequence[str]
    wants: Mapping[int, Callable[[], Want]] | None = None
    fields: Sequence[str] = ()  # all names of the schema
    earlier: frozenset[int] = frozenset()  # indexes of rows whose key a later row has too
    keyed: bool = True  # whether a schema's key tells that a whole row which is there again says nothing new

    @property
    def short(self) -> frozenset[int]:
        """Indexes of the rows that have fewer cells than the header."""
        wanted = [number for number, record in self.cells.ragged.items() if len(record) < len(self.texts)]
        return frozenset(self.cells.numbers.is_in(wanted).arg_true().to_list()) if wanted else frozenset()

    @cached_property
    def grid(self) -> found_rows.Grid:
        """The cells as stripped texts, made once for all kinds of repairs."""
        return found_rows.grid_of(self.texts, self.short)

    @cached_property
    def notes(self) -> list[int]:
        """Indexes of rows that are notes."""
        return found_rows.note_rows(self.grid)


def texts_of(cells: Cells) -> list[pl.Series]:
    """The columns as text, whatever their schema."""
    return [column if isinstance(column, pl.Series) else as_text(column, ANY) for column in cells.columns]


def suggested(table: Table) -> list[Repair]:
    """The repairs of the whole table first, then those of columns from left to right."""
    return [*_of_table(table), *_of_columns(table)]


def rows_of(kind: str, table: Table) -> list[int]:
    """The indexes of the rows that a repair of this kind takes out."""
    match kind:
        case "blank-rows":
            return found_rows.blank_rows(table.grid)
        case "numbering":
            return found_rows.numbering_rows(table.grid)
        case "notes":
            return table.notes
        case "totals":
            return found_rows.total_rows(table.grid, table.notes)
        case "repeats" | "same-rows":
            return found_rows.repeated_rows(table.texts)
        case "repeated-keys":
            return sorted(table.earlier)
    return []


def _of_table(table: Table) -> Iterator[Repair]:
    reading = table.cells.reading
    if reading.header_row > 1 and reading.format in ("csv", "xlsx", "xls", "ods"):
        yield Repair("header", count=reading.header_row, done=True)
    without = headless(table)
    if without:
        yield Repair("no-header", count=1)
    for kind, found in (("labels", [] if without else odd_labels(table)), ("blank-columns", blank_columns(table))):
        if found:
            yield Repair(kind, count=len(found), examples=[(str(n),) for n in found[:EXAMPLES]])
    if extra := blank_extras(table.cells, len(table.texts)):
        yield Repair("extra-cells", count=len(extra), examples=[(str(n),) for n in extra[:EXAMPLES]])
    for kind in ("numbering", "notes", "totals", "blank-rows"):
        if indexes := rows_of(kind, table):
            yield Repair(kind, count=len(indexes), examples=_numbers(table, indexes))
    if merged := merged_cells(table):
        yield Repair("merged", count=merged)
    if indexes := rows_of("repeats", table):
        yield Repair("repeats" if table.keyed else "same-rows", count=len(indexes), examples=_numbers(table, indexes))
    if len(table.earlier) > len(indexes):
        yield Repair("repeated-keys", count=len(table.earlier), examples=_numbers(table, sorted(table.earlier)))


def _numbers(table: Table, indexes: Sequence[int]) -> list[tuple[str, ...]]:
    return [(str(table.cells.numbers[index]),) for index in indexes[:EXAMPLES]]


def headless(table: Table) -> bool:
    """Whether the row that was taken for the header is data: it holds a number where all below are numbers (years may be
    labels), or the very value that most rows have. Where a schema knew its labels, it is the header."""
    labels = table.cells.labels
    known = table.wants is not None and (table.wants or len(labels) != len(table.fields))
    if known or not table.cells.rows or table.cells.reading.header_row > 1:
        return False
    if table.cells.reading.format not in ("csv", "xlsx", "xls", "ods"):
        return False
    if len(labels) == 1 and labels[0] and (table.texts[0] == labels[0]).sum() * 2 > len(table.texts[0]):
        return True
    if any(not label for label in labels):
        return False
    numbers = [
        n
        for n, (label, texts) in enumerate(zip(labels, table.texts, strict=True))
        if PLAIN.fullmatch(label) and not YEAR.fullmatch(label) and _all_numbers(texts)
    ]
    words = [label for label in labels if not PLAIN.fullmatch(label)]
    return bool(numbers) and (numbers[0] == 0 or not words)


def _all_numbers(texts: pl.Series) -> bool:
    present = texts.drop_nulls()
    present = present.filter(present != "")
    return len(present) > 0 and bool(present.str.contains(r"^-?\d+(\.\d+)?$").mean() > 0.9)  # type: ignore[operator]


def blank_columns(table: Table) -> list[int]:
    """Positions of columns with neither label nor value."""
    return [
        n
        for n, (label, texts) in enumerate(zip(table.cells.labels, table.texts, strict=True), start=1)
        if not label and not (texts.fill_null("").str.strip_chars() != "").any()
    ]


def odd_labels(table: Table) -> list[int]:
    """Positions of columns whose label is missing, repeated, a date, or made up by a program; with a schema, of those
    that it does not know, when there are as many columns as it has fields, so that they can be told by position."""
    blank, labels = set(blank_columns(table)), table.cells.labels
    if table.wants is not None:
        unknown = [n for n in range(1, len(labels) + 1) if n not in table.wants and n not in blank]
        faulty = unknown or any(not label or label in labels[:n] for n, label in enumerate(labels) if n + 1 not in blank)
        return (unknown or [1]) if faulty and len(labels) - len(blank) == len(table.fields) else []
    if len(labels) < 2:  # a list needs no label
        return []
    return [
        n
        for n, label in enumerate(labels, start=1)
        if n not in blank
        and (not label or label in labels[: n - 1] or ODD_LABEL.fullmatch(label) or PLACEHOLDER.fullmatch(label))
    ]


def blank_extras(cells: Cells, width: int) -> list[int]:
    """The numbers of rows whose cells beyond the header are all empty."""
    return [
        number
        for number, record in cells.ragged.items()
        if len(record) > width and not any(cell.strip() for cell in record[width:])
    ]


def merged_cells(table: Table) -> int:
    """How many merged cells reach over several rows of data."""
    return sum(span.bottom > span.top and span.top < table.cells.rows for span in table.cells.spans)


def _of_columns(table: Table) -> Iterator[Repair]:
    left_out = {index for kind in ("numbering", "notes", "blank-rows") for index in rows_of(kind, table)}
    kept = [index for index in range(table.cells.rows) if index not in left_out] if left_out else None
    for n, (texts, name, label) in enumerate(zip(table.texts, table.names, table.cells.labels, strict=True), start=1):
        seen = texts.gather(kept) if kept is not None else texts
        want = want_of(table, n, seen, label)
        if want is not None:
            yield from repairs_of(seen, want, name, n)


def want_of(table: Table, position: int, texts: pl.Series, label: str) -> Want | None:
    """What is wanted of a column; None of one that the schema does not know."""
    if table.wants is not None:
        want = table.wants.get(position)
        return want() if want else None
    return wanted_by_values(texts, label)


def offered(cells: Cells) -> list[Repair]:
    """The repairs of a table that has no schema yet."""
    return suggested(table_without_schema(cells))


def table_without_schema(cells: Cells) -> Table:
    """The table with names made of its labels."""
    return Table(cells, texts_of(cells), field_names(cells.labels))

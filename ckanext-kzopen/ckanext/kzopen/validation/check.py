"""Whether a file is the table that its schema describes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from ckanext.kzopen.validation import collecting, encodings, pieces
from ckanext.kzopen.validation import schema as schemas
from ckanext.kzopen.validation.cells import Cells, Limits, Unreadable
from ckanext.kzopen.validation.columns import Column, check_column
from ckanext.kzopen.validation.distinct import distinct, strips
from ckanext.kzopen.validation.findings import from_error, from_refusal
from ckanext.kzopen.validation.formats import sniff
from ckanext.kzopen.validation.integrity import Repeats, repeated_keys, repeated_values
from ckanext.kzopen.validation.listing import Located, listed
from ckanext.kzopen.validation.native import as_text
from ckanext.kzopen.validation.parts import THREADS
from ckanext.kzopen.validation.reading import read
from ckanext.kzopen.validation.repairs import encoding
from ckanext.kzopen.validation.repairs.make import made
from ckanext.kzopen.validation.repairs.model import OF_COLUMNS, OF_TABLES, Key, Repair
from ckanext.kzopen.validation.repairs.suggest import Table, suggested
from ckanext.kzopen.validation.repairs.wants import Want, wanted_by
from ckanext.kzopen.validation.report import Finding, Report, Shown
from ckanext.kzopen.validation.short import is_short
from ckanext.kzopen.validation.tables import table_of
from frictionless import Error, Field, Schema

WORTH_THREADS = 1_000_000
SHOWN_ROWS, FIRST_ROWS, SHOWN_COLUMNS, SHOWN_LETTERS = 200, 20, 60, 200


@dataclass(frozen=True)
class Checked:
    """The report, and the table when the file is free of errors; `mendable` is what suggestions are read off. `numbers` are
    the positions of the table's rows in the file, where they do not follow each other below the header.

    `taken`: the file is free of errors, and the rows of the table were given out while it was checked; who took them puts
    here what reads like the table.
    """

    report: Report
    table: pa.Table | None
    mendable: Table | None = None
    taken: bool = False
    numbers: pl.Series | None = None

    def row(self, place: int) -> int:
        """The position in the file, from 1, of a row of the table, from 0."""
        if self.numbers is not None:
            return int(self.numbers[place])
        return (self.report.reading.header_row if self.report.reading else 1) + place + 1


def check_file(
    path: Path,
    schema: schemas.Descriptor,
    *,
    media_type: str | None = None,
    name: str | None = None,
    limit: int = 1000,
    limits: Limits | None = None,
    accepted: Collection[Key] = (),
    suggest: bool = False,
    take: pieces.Taker | None = None,
) -> Checked:
    """Check the file at `path` against a Table Schema descriptor; count every error, list the first `limit` (`report.every`
    gives the others).

    `media_type` and `name` are what the sender says; they decide nothing, since content tells the format.
    The table has the schema's fields in the schema's order, typed. Repairs that are `accepted` are made before; with
    `suggest` the report names what else could be mended, and shows rows. `take` gets rows that are right so far, where that
    can be told while the file is read; what it got counts only when the answer says `taken`.
    """
    del media_type, name
    try:
        compiled = schemas.compiled(schema)
        if not accepted and (found := _faultless(Path(path), schema, compiled, take)):
            return found
        with collecting.paused():
            cells = read(Path(path), schemas.names_of(schema), limits, encoding.chosen(accepted))
            if not suggest and not accepted:
                return check_cells(cells, schema, compiled, limit)
            return _mended(cells, schema, compiled, limit, accepted)
    except Unreadable as refusal:
        repairs = tuple(encoding.readings(Path(path), refusal, limits)) if suggest else ()
        return Checked(Report(0, {refusal.code: 1}, (from_refusal(refusal),), repairs=repairs), None)


def _faultless(path: Path, descriptor: schemas.Descriptor, schema: Schema, take: pieces.Taker | None) -> Checked | None:
    """A large file of text in which nothing is wrong; nothing is suggested for it."""
    if path.stat().st_size < pieces.SMALLEST or sniff(path) != "text":
        return None
    encoding = encodings.at_first(path)
    found = pieces.faultless(path, encoding, descriptor, schema, take) if encoding else None
    if found is None:
        return None
    return Checked(Report(found.rows, {}, (), found.reading), found.table, taken=take is not None)


def _mended(cells: Cells, descriptor: schemas.Descriptor, schema: Schema, limit: int, accepted: Collection[Key]) -> Checked:
    """Check, make the repairs that are accepted, and check again; what could still be mended is suggested. A key may repeat
    only in what the first repairs make, so what is accepted then is made after them."""
    checked = check_cells(cells, descriptor, schema, limit, suggest=True)
    if checked.mendable is None:
        return checked
    names = [field["name"] for field in descriptor["fields"]]
    wanted: list[Repair] = []
    offered = suggested(checked.mendable)
    while checked.mendable and (new := _accepted(offered, wanted, accepted)):
        cells = made(checked.mendable, new, names)
        wanted += new
        checked = check_cells(cells, descriptor, schema, limit, suggest=True)
        told = {repair.key for repair in wanted}
        offered = [repair for repair in suggested(checked.mendable) if repair.key not in told] if checked.mendable else []
    wanted += [Repair(encoding.KIND, field=name, done=True) for name in encoding.used(cells.reading.encoding, accepted)]
    repairs = tuple(sorted((*wanted, *offered), key=_place))
    return replace(checked, report=replace(checked.report, repairs=repairs))


def _accepted(offered: Sequence[Repair], before: Sequence[Repair], accepted: Collection[Key]) -> list[Repair]:
    """The repairs that are to be made now; after the first ones only those that compare rows with each other."""
    kinds = ("repeats", "same-rows", "repeated-keys") if before else (*OF_TABLES, *OF_COLUMNS)
    return [
        replace(repair, done=True) for repair in offered if repair.key in accepted and repair.kind in kinds and not repair.done
    ]


def _place(repair: Repair) -> tuple[bool, int, int]:
    """Repairs of the whole table first, then by column, each in the order in which they are made."""
    return repair.column is not None, repair.column or 0, (*OF_TABLES, *OF_COLUMNS).index(repair.kind)


def check_cells(cells: Cells, descriptor: schemas.Descriptor, schema: Schema, limit: int, *, suggest: bool = False) -> Checked:
    """Check cells that are already read; every code of frictionless's baseline but foreign keys."""
    header = schemas.header_of(schemas.matched(cells.labels, descriptor), schema, cells.reading.header_row)
    fields = schemas.fields_of(header)
    texts = [_text(column, field) for column, field in zip(cells.columns, fields, strict=True)]
    columns = _checked_columns(texts, fields, schema)
    blank = blank_rows(columns, cells.rows)
    repeats = [*repeated_values(columns), *repeated_keys(columns, schema.primary_key)]
    counts = Counter(error.type for error in header.errors) + _counts(cells, columns, blank, repeats)
    known = {field.name: field for field in fields} | {field.name: field for field in schema.fields}
    findings: tuple[Finding, ...] = ()
    every = None
    if counts:
        located = Located(cells, texts, fields, _bad_rows(cells, columns, blank, repeats), repeats)
        every = _every(header.errors, located, known)
        findings = tuple(islice(every(), limit))
    report = Report(cells.rows, dict(counts), findings, cells.reading, every=every)
    table = None if counts else table_of(columns, schema)
    numbers = None if table is None or _follow(cells) else cells.numbers
    if not suggest:
        return Checked(report, table, numbers=numbers)
    mendable = _mendable(cells, texts, columns, repeats, schema)
    return Checked(replace(report, shown=_shown(mendable, findings)), table, mendable, numbers=numbers)


def _follow(cells: Cells) -> bool:
    """Whether the rows follow each other right below the header."""
    last = cells.reading.header_row + cells.rows
    return not cells.rows or bool(cells.numbers[-1] == last and cells.numbers[0] == last - cells.rows + 1)


def _every(of_header: Sequence[Error], located: Located, known: Mapping[str, Field]) -> Callable[[], Iterator[Finding]]:
    """What gives all findings in the order of the file, and from the first on each time."""

    def every() -> Iterator[Finding]:
        yield from (from_error(error, known) for error in of_header)
        yield from (from_error(error, known) for error in listed(located))

    return every


def _mendable(
    cells: Cells, texts: Sequence[pl.Series], columns: Sequence[Column], repeats: Sequence[Repeats], schema: Schema
) -> Table:
    """The table with what its schema wants of each column, and which texts are not that."""
    known = {field.name for field in schema.fields}
    wants = {
        n: partial(_want, column.field, cells.labels[n - 1], text, column.faults["index"])
        for n, (text, column) in enumerate(zip(texts, columns, strict=True), start=1)
        if column.field.name in known
    }
    again = next((repeat.rows["before"].drop_nulls().to_list() for repeat in repeats if repeat.field is None), [])
    names, keyed = [column.field.name for column in columns], bool(schema.primary_key)
    return Table(cells, texts, names, wants, sorted(known), frozenset(again), keyed)


def _want(field: Field, label: str, text: pl.Series, wrong: pl.Series) -> Want:
    return wanted_by(field, label, distinct(text.gather(part) for part in strips(wrong))["text"])


def _shown(table: Table, findings: Sequence[Finding]) -> Shown:
    """The rows of the first findings, or the first rows of a table that has none."""
    numbers = [finding.row for finding in findings if finding.row is not None]
    wanted = list(dict.fromkeys(numbers))[:SHOWN_ROWS]
    indexes = table.cells.numbers.is_in(wanted).arg_true().to_list() if wanted else range(min(table.cells.rows, FIRST_ROWS))
    columns = [_at(text, indexes) for text in table.texts[:SHOWN_COLUMNS]]
    placed = _at(table.cells.numbers, indexes)
    rows = {
        number: [(cell or "")[:SHOWN_LETTERS] for cell in row]
        for number, row in zip(placed, zip(*columns, strict=True) if columns else [], strict=False)
    }
    return Shown(list(table.cells.labels[:SHOWN_COLUMNS]), list(table.names[:SHOWN_COLUMNS]), rows)


def _at(values: pl.Series, indexes: Sequence[int]) -> list[Any]:
    """The values at these places."""
    if not is_short(values):
        return values.gather(list(indexes)).to_list()
    found = values.to_list()
    return [found[index] for index in indexes]


def _checked_columns(texts: Sequence[pl.Series], fields: Sequence[Field], schema: Schema) -> list[Column]:
    """Columns do not know each other; long ones are checked side by side, for polars works without Python's lock."""
    check = partial(_checked_column, schema)
    if sum(map(len, texts)) < WORTH_THREADS:
        return [check(text, field) for text, field in zip(texts, fields, strict=True)]
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return list(pool.map(check, texts, fields))


def _checked_column(schema: Schema, text: pl.Series, field: Field) -> Column:
    """The column; of one with faults no table is made, and its values are kept only where they must not repeat."""
    column = check_column(text, field)
    if not len(column.faults) or field.name in schema.primary_key or field.constraints.get("unique"):
        return column
    return replace(column, values=pl.Series(dtype=pl.Null))


def _text(column: pl.Series | list[object], field: Field) -> pl.Series:
    return column if isinstance(column, pl.Series) else as_text(column, field)


def blank_rows(columns: Sequence[Column], rows: int) -> pl.Series:
    """Which rows have no value at all; all other faults of their cells are forgotten."""
    blank = pl.repeat(True, rows, dtype=pl.Boolean, eager=True)
    for column in columns:
        blank = blank & column.missing
    return blank


def _counts(cells: Cells, columns: Sequence[Column], blank: pl.Series, repeats: Sequence[Repeats]) -> Counter[str]:
    counts: Counter[str] = Counter()
    blanks = blank.arg_true().to_frame("index").cast(pl.UInt32)
    for column in columns:
        left = column.faults.join(blanks, on="index", how="anti") if len(blanks) else column.faults
        for code, times in left.group_by("code").agg(pl.col("times").sum()).iter_rows():
            counts[code] += times
    counts["blank-row"] += len(blanks)
    empty = set(cells.numbers.filter(blank).to_list()) if cells.ragged else set()
    width = len(columns)
    for number, record in cells.ragged.items():
        if number not in empty:
            counts["extra-cell" if len(record) > width else "missing-cell"] += abs(len(record) - width)
    for repeat in repeats:
        counts[repeat.code] += len(repeat.rows)
    return +counts


def _bad_rows(cells: Cells, columns: Sequence[Column], blank: pl.Series, repeats: Sequence[Repeats]) -> pl.Series:
    """The indexes of all rows with an error, in the order of the file."""
    found = [column.faults["index"] for column in columns] + [blank.arg_true().cast(pl.UInt32)]
    found += [repeat.rows["index"] for repeat in repeats]
    if cells.ragged:
        found.append(cells.numbers.is_in(list(cells.ragged)).arg_true().cast(pl.UInt32))
    return pl.concat(found).unique().sort()

"""Codes of a delivery that its reference tables do not know today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from ckanext.kzopen.publishing.listings import LISTED
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.references import Reference, references
from sqlalchemy.orm import Session

# pyarrow and polars stay out of the web processes, which only defer this work.
if TYPE_CHECKING:
    import polars as pl
    from ckanext.kzopen.publishing.model import Passport
    from ckanext.kzopen.validation.check import Checked
    from ckanext.kzopen.validation.report import Finding, Report

NUMBER = "\0row"
"""The column of row numbers beside the codes: no table has a column of such a name."""
Codes = tuple[str, ...]


def unknown_codes(
    session: Session, files_url: str, passport: Passport, mode: str, checked: Checked, at: date
) -> Report | None:
    """The report with the codes that are in no reference table, or not valid on the day; None when all are known.

    A reference to a table that the portal does not have, or not for everybody, is one finding of its own. A key of which a
    part is empty refers to nothing. In a file that has other faults, only columns of text are looked at.
    """
    from ckanext.kzopen.rows import labels

    wrong: list[tuple[Reference, pl.DataFrame | None]] = []
    for reference in references(passport.schema):
        sent = _sent(checked, passport.schema, reference.columns)
        if sent is None:
            continue
        if reference.uri:
            rows = labels.rows_of(session, files_url, reference, at)
            known = None if rows is None else _codes([row[code] for code in reference.codes] for row in rows)
        else:
            known = _codes_here(session, files_url, passport, mode, checked, reference.codes)
        wrong.append((reference, None if known is None else _unknown(reference, sent, known)))
    number = sum(1 if rows is None else len(rows) for _, rows in wrong)
    return _with_codes(checked.report, number, wrong) if number else None


def _with_codes(report: Report, number: int, wrong: Sequence[tuple[Reference, pl.DataFrame | None]]) -> Report:
    """The report with the findings on codes behind its own."""

    def every() -> Iterator[Finding]:
        own = report.every() if report.every else report.findings
        return chain(own, *(_findings(reference, rows) for reference, rows in wrong))

    counts = {**report.counts, "foreign-key": number}
    return replace(report, counts=counts, findings=tuple(islice(every(), LISTED)), every=every)


def _sent(checked: Checked, schema: Mapping[str, Any], names: Sequence[str]) -> pl.DataFrame | None:
    """The values of these columns with the number of their row in the file, where all of them have one; None when they
    cannot be read."""
    import polars as pl

    columns = [_column(checked, schema, name) for name in names]
    if any(column is None for column in columns):
        return None
    frame = pl.DataFrame([column.alias(name) for column, name in zip(columns, names, strict=True) if column is not None])
    numbered = frame.with_columns(_numbers(checked, len(frame)).alias(NUMBER)).drop_nulls()
    texts = [name for name in names if numbered[name].dtype == pl.String]
    return numbered.filter(pl.all_horizontal([pl.col(name) != "" for name in texts])) if texts else numbered


def _column(checked: Checked, schema: Mapping[str, Any], name: str) -> pl.Series | None:
    """A column as it is published; of a file with other faults one of text only, whose values need no reading."""
    import polars as pl

    if checked.table is not None:
        found = pl.from_arrow(checked.table[name]) if name in checked.table.schema.names else None
        return found if isinstance(found, pl.Series) else None
    kind = next((field.get("type", "string") for field in schema["fields"] if field["name"] == name), None)
    read = checked.mendable
    if read is None or kind != "string" or name not in read.names:
        return None
    texts = read.texts[read.names.index(name)]
    missing = [str(value) for value in schema.get("missingValues") or [""]]
    return texts.set(texts.is_in(missing), None)


def _numbers(checked: Checked, rows: int) -> pl.Series:
    """The numbers of the rows in the file: repairs may have left some out."""
    import polars as pl

    if checked.mendable is not None:
        return checked.mendable.cells.numbers
    first = (checked.report.reading.header_row if checked.report.reading else 1) + 1
    return pl.int_range(first, first + rows, eager=True)


def _codes(rows: Iterable[Sequence[Any]]) -> set[Codes]:
    """The codes of rows that have one in all columns."""
    return {tuple(map(str, row)) for row in rows if None not in row}


def _codes_here(
    session: Session, files_url: str, passport: Passport, mode: str, checked: Checked, names: Sequence[str]
) -> set[Codes]:
    """The codes of the table itself: those that are sent, and those of the rows to which they are added."""
    from ckanext.kzopen.rows import reading

    sent = _sent(checked, passport.schema, names)
    found = set() if sent is None else _codes(sent.select(names).unique().iter_rows())
    current = versions.latest(session, passport.uri)
    if mode == "replace" or current is None:
        return found
    table = reading.table_of(session, files_url, current)
    if not set(names) <= set(table.schema.names):
        return found
    old = table.read(list(names)).select(list(names))
    return found | _codes(zip(*(column.to_pylist() for column in old.columns), strict=True))


def _unknown(reference: Reference, sent: pl.DataFrame, known: set[Codes]) -> pl.DataFrame:
    """The rows whose codes are unknown, in the order of the file."""
    import polars as pl

    names = list(reference.columns)
    distinct = sent.select(names).unique()
    strange = [tuple(map(str, row)) not in known for row in distinct.iter_rows()]
    return sent.join(distinct.filter(pl.Series(strange, dtype=pl.Boolean)), on=names, how="semi").sort(NUMBER)


def _findings(reference: Reference, rows: pl.DataFrame | None) -> Iterator[Finding]:
    """What is told of rows whose codes are unknown; without rows, of a reference table that is not there."""
    from ckanext.kzopen.validation.report import Finding

    field, names = ", ".join(reference.columns), list(reference.columns)
    if rows is None:
        note = f'"{reference.uri}"'
        yield Finding(code="foreign-key", message="no such reference table", field=field, params={"note": note})
        return
    for row in rows.iter_rows(named=True):
        told = ", ".join(str(row[name]) for name in names)
        yield Finding(
            code="foreign-key",
            message="the code is not in the reference table",
            reason="" if reference.uri else "own",
            row=row[NUMBER],
            field=field,
            cell=told,
            params={"note": f'"{told}" ({reference.uri or field})'},
        )

"""The rows of reference tables (`rows.references`), and the words behind codes.

A reference table may have `valid_from` and `valid_until` (both inclusive): then a code counts on the days between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa
from ckanext.kzopen.rows.reading import BATCH, Table, table_of
from ckanext.kzopen.rows.references import Reference, of_words, public_version
from sqlalchemy.orm import Session

ENDING = "_label"
SPAN = ("valid_from", "valid_until")
LANGUAGES = ("kk", "ru", "en")


def rows_of(session: Session, files_url: str, reference: Reference, at: date) -> list[dict[str, Any]] | None:
    """The rows of a reference table that count on a day, older ones first; None when there is no such table, or not for all.

    Whoever refers to a table reads in reports and labels what is in it, so one that not everybody may see is none.
    """
    current = public_version(session, reference.uri)
    if current is None:
        return None
    table = table_of(session, files_url, current)
    wanted = (*reference.codes, *SPAN, *(f"name_{language}" for language in LANGUAGES))
    if not set(reference.codes) <= set(table.schema.names):
        return None
    rows = table.read([name for name in dict.fromkeys(wanted) if name in table.schema.names]).to_pylist()
    found = [row for row in rows if _counts(row, at)]
    return sorted(found, key=lambda row: row.get(SPAN[0]) or date.min)


def _counts(row: Mapping[str, Any], at: date) -> bool:
    begins, ends = row.get(SPAN[0]), row.get(SPAN[1])
    return (begins is None or begins <= at) and (ends is None or at <= ends)


def words(rows: Sequence[Mapping[str, Any]], code: str, language: str) -> dict[str, str]:
    """The name of each code in a language; one that it lacks is taken from another."""
    order = (language, *LANGUAGES)
    found = {}
    for row in rows:
        names = (row.get(f"name_{one}") for one in order)
        found[str(row[code])] = next((str(name) for name in names if name), "")
    return found


@dataclass(frozen=True)
class Labelled(Table):
    """A table with a column `…_label` behind each column of codes."""

    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def schema(self) -> pa.Schema:
        """The table's own columns and those of the labels."""
        plain = Table(self.files_url, self.links, self.rows).schema
        for column in self.labels:
            plain = plain.insert(plain.get_field_index(column) + 1, pa.field(f"{column}{ENDING}", pa.string()))
        return plain

    def batches(self, columns: Sequence[str] | None = None, size: int = BATCH) -> Iterator[pa.Table]:
        """The rows with their labels."""
        for batch in Table(self.files_url, self.links, self.rows).batches(None, size):
            found = self._with(batch)
            yield found if columns is None else found.select(list(columns))

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows at once."""
        return pa.concat_tables(self.batches(columns))

    def _with(self, batch: pa.Table) -> pa.Table:
        for column, known in self.labels.items():
            told = pa.array([known.get(str(code)) for code in batch[column].to_pylist()], pa.string())
            batch = batch.add_column(batch.schema.get_field_index(column) + 1, f"{column}{ENDING}", told)
        return batch.cast(self.schema)


def labelled(session: Session, files_url: str, table: Table, schema: Mapping[str, Any], language: str, at: date) -> Table:
    """The table with labels in a language; itself when it refers to nothing that is there."""
    found: dict[str, Mapping[str, str]] = {}
    for reference in of_words(schema):
        rows = rows_of(session, files_url, reference, at)
        (column,), (code,) = reference.columns, reference.codes
        if rows is not None and column in table.schema.names:
            found[column] = words(rows, code, language)
    return Labelled(table.files_url, table.links, table.rows, found) if found else table

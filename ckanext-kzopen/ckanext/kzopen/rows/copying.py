"""Tables as the CSV stream that PostgreSQL's COPY reads; memory is that of one batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
from ckanext.kzopen.core.ahead import made_ahead

BATCH = 5_000
# Every text is quoted and a null is not: COPY tells an empty text from no value by that.
OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
AHEAD = 2
"""Pieces that are written meanwhile, while PostgreSQL takes one."""


class Source(Protocol):
    """A table that gives its rows batch by batch (`reading.Table`)."""

    @property
    def rows(self) -> int: ...

    @property
    def schema(self) -> pa.Schema: ...

    def batches(self) -> Iterator[pa.Table]: ...


class CopyStream:
    """Batches of rows for `cursor.copy_expert`; their numbers from 1 come in front unless they bring their own."""

    def __init__(self, batches: Iterable[pa.Table], numbered: bool = True) -> None:
        self._chunks = _chunks(batches, numbered)
        self._chunk = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, b"" at the end."""
        if size < 0:
            return bytes(self._chunk) + b"".join(self._chunks)
        while not self._chunk:
            following = next(self._chunks, None)
            if following is None:
                return b""
            self._chunk = following
        given, self._chunk = self._chunk[:size], self._chunk[size:]
        return bytes(given)


def batches_of(table: pa.Table | Source) -> Iterator[pa.Table]:
    """The rows of a table in memory, or of a stored one, in pieces."""
    if isinstance(table, pa.Table):
        yield table
    else:
        yield from table.batches()


def rows_of(table: pa.Table | Source) -> int:
    """How many rows a table has, in memory or stored."""
    return int(table.num_rows if isinstance(table, pa.Table) else table.rows)


def _chunks(batches: Iterable[pa.Table], numbered: bool) -> Iterator[memoryview]:
    pieces = _small(batches)
    written = _written if numbered else lambda piece: _csv(piece[0])
    yield from map(written, islice(pieces, 1))  # most tables are no longer
    yield from made_ahead(written, pieces, AHEAD)


def _small(batches: Iterable[pa.Table]) -> Iterator[tuple[pa.Table, int]]:
    """Pieces of the rows, and how many rows lie before each."""
    done = 0
    for rows in batches:
        for start in range(0, rows.num_rows, BATCH):
            yield rows.slice(start, BATCH), done + start
        done += rows.num_rows


def _written(piece: tuple[pa.Table, int]) -> memoryview:
    rows, before = piece
    numbers = pl.int_range(before + 1, before + rows.num_rows + 1, eager=True).to_arrow()
    return _csv(rows.add_column(0, "_id", numbers))


def _csv(rows: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(_writable(rows), sink, OPTIONS)
    return memoryview(sink.getvalue())


def _writable(rows: pa.Table) -> pa.Table:
    """Columns of nulls have no type that CSV knows."""
    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(fields))

"""Tables as the CSV stream that PostgreSQL's COPY reads; memory is that of one batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv

BATCH = 5_000
# Every value is quoted and a null is not: COPY tells an empty text from no value by that.
OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")


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
    done = 0
    for rows in _small(batches):
        if numbered:
            numbers = pa.array(range(done + 1, done + 1 + rows.num_rows), pa.int64())
            done += rows.num_rows
            rows = rows.add_column(0, "_id", numbers)
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(_writable(rows), sink, OPTIONS)
        yield memoryview(sink.getvalue())


def _small(batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for rows in batches:
        for start in range(0, rows.num_rows, BATCH):
            yield rows.slice(start, BATCH)


def _writable(rows: pa.Table) -> pa.Table:
    """Columns of nulls have no type that CSV knows."""
    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(fields))

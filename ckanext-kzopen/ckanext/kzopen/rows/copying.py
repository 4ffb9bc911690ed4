"""A pyarrow table as the CSV stream that PostgreSQL's COPY reads; memory is that of one batch."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv as pa_csv

BATCH = 20_000
# Every value is quoted and a null is not: COPY tells an empty text from no value by that.
OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")


class CopyStream:
    """The rows with their numbers from 1 in front, for `cursor.copy_expert`."""

    def __init__(self, table: pa.Table) -> None:
        self._chunks = _chunks(table)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, b"" at the end."""
        while len(self._rest) < size or size < 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def _chunks(table: pa.Table) -> Iterator[bytes]:
    for start in range(0, table.num_rows, BATCH):
        rows = table.slice(start, BATCH)
        numbers = pa.array(range(start + 1, start + 1 + rows.num_rows), pa.int64())
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(_writable(rows.add_column(0, "_id", numbers)), sink, OPTIONS)
        yield sink.getvalue().to_pybytes()


def _writable(rows: pa.Table) -> pa.Table:
    """Columns of nulls have no type that CSV knows."""
    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(fields))

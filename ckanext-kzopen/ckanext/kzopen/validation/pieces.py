"""A large text table without any fault, checked piece by piece: memory is that of few pieces, of a number for each key, and
of the typed table where nobody takes its rows.

Each piece goes through the same functions as a whole file. At the first fault, doubt or surprise nothing is returned, and the
file is checked as a whole: only then are errors listed. A piece ends at a line end; that no record goes on behind it is
proved afterwards, by as many records having been read as there are line ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
from ckanext.kzopen.core.ahead import made_ahead
from ckanext.kzopen.validation import schema as schemas
from ckanext.kzopen.validation.cells import Limits, Reading, Unreadable
from ckanext.kzopen.validation.columns import Column, check_column
from ckanext.kzopen.validation.delimited import Start, start_of
from ckanext.kzopen.validation.lengths import looked_up, too_long
from ckanext.kzopen.validation.tables import table_of
from frictionless import Field, Schema

SMALLEST = 32 << 20
PIECE = 3 << 20
THREADS = 2
"""Pieces that are checked side by side."""


@dataclass(frozen=True)
class Faultless:
    """How many rows there are, how the file was read, and the typed table unless its rows were taken."""

    rows: int
    reading: Reading
    table: pa.Table | None


class _Doubt(Exception):
    """The file has to be checked as a whole."""


Taker = Callable[[pa.Table], None]
"""Gets the typed rows of a piece as soon as no fault was found in it; the whole may still turn out to have one.

No text among them has U+0000, which PostgreSQL cannot keep, and no key is too long for its indexes.
"""


def faultless(
    path: Path, encoding: str, descriptor: schemas.Descriptor, schema: Schema, take: Taker | None = None
) -> Faultless | None:
    """The table of a file of SMALLEST bytes or more that has no fault at all; None for every other file.

    That it is `encoding`, UTF-8 with or without a mark, is proved while it is read. Each piece goes to `take`, if there is
    one, and is then forgotten.
    """
    if encoding not in ("utf-8", "utf-8-sig") or path.stat().st_size < SMALLEST:
        return None
    if path.stat().st_size > Limits().size:
        return None
    try:
        start = start_of(path, encoding, schemas.names_of(descriptor), Limits())
    except (Unreadable, UnicodeDecodeError):
        return None
    if start.offset is None:
        return None
    header = schemas.header_of(schemas.matched(start.labels, descriptor), schema, start.reading.header_row)
    if header.errors:
        return None
    tables: list[pa.Table] = []
    keep = tables.append if take is None else take
    try:
        typed = _tables(path, start, schemas.fields_of(header), schema)
        rows = _taken(_short(typed, looked_up(descriptor)), _Unrepeated(schema), keep)
    except _Doubt:
        return None
    return Faultless(rows, start.reading, pa.concat_tables(tables) if tables else None)


def _taken(tables: Iterable[pa.Table], unrepeated: _Unrepeated, keep: Taker) -> int:
    """Hand over the pieces, of which there is at least one and whose types are alike; how many rows they have."""
    rows, known = 0, None
    for table in tables:
        if known is not None and table.schema != known:
            raise _Doubt
        unrepeated.take(table)
        keep(table)
        rows, known = rows + table.num_rows, table.schema
    if known is None or not unrepeated.surely():
        raise _Doubt
    return rows


def _short(tables: Iterable[pa.Table], keys: list[list[str]]) -> Iterator[pa.Table]:
    """The tables; _Doubt where a key is too long."""
    for table in tables:
        if any(too_long(table, key) for key in keys):
            raise _Doubt
        yield table


def _tables(path: Path, start: Start, fields: list[Field], schema: Schema) -> Iterator[pa.Table]:
    def made(piece: bytes) -> pa.Table:
        try:
            return _typed(_read(piece, start.reading.delimiter or ",", len(start.labels)), fields, schema)
        except pa.ArrowInvalid as wrong:
            raise _Doubt from wrong

    # Arrow and polars work without Python's lock.
    return made_ahead(made, pieces(path, start.offset or 0), most=THREADS, threads=THREADS)


def _typed(frame: pl.DataFrame, fields: list[Field], schema: Schema) -> pa.Table:
    """The rows of a piece; _Doubt when there is a fault. What was needed on the way is forgotten with it."""
    columns = [check_column(frame.to_series(n), field) for n, field in enumerate(fields)]
    if any(len(column.faults) for column in columns) or _blank(columns):
        raise _Doubt
    return table_of(columns, schema)


def pieces(path: Path, offset: int) -> Iterator[bytes]:
    """The bytes from `offset` on, cut after line feeds."""
    with path.open("rb") as file:
        file.seek(offset)
        rest = b""
        while chunk := file.read(PIECE):
            whole, end, rest_of_chunk = chunk.rpartition(b"\n")
            if not end:
                rest += chunk
                continue
            yield rest + whole + end
            rest = rest_of_chunk
        if rest:
            yield rest


def _read(piece: bytes, delimiter: str, width: int) -> pl.DataFrame:
    """The cells of a piece; _Doubt when a record is not one line, is too short or too long, or has no value."""
    names = [str(number) for number in range(width)]
    table = pa_csv.read_csv(
        pa.BufferReader(piece),
        pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(piece) + 1),
        pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
        pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
    if b"\0" in piece:  # DataStore cannot keep it: the whole check tells where it stands
        raise _Doubt
    if table.num_rows != lines or (b"\r" in piece and b"\r" in piece.replace(b"\r\n", b"")):
        raise _Doubt
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table gives a frame)
    if b'"' in piece and _unclosed(piece, frame):
        raise _Doubt
    return frame


def _unclosed(piece: bytes, frame: pl.DataFrame) -> bool:
    """Whether the last cell began with a quote that was not closed: then it holds the end of the piece as it stands."""
    last = '"' + str(frame.row(-1)[-1] or "").replace('"', '""')
    return piece.rstrip(b"\r\n").endswith(last.rstrip("\r\n").encode())


def _blank(columns: list[Column]) -> bool:
    """Whether a row has no value at all."""
    blank: pl.Series | None = None
    for column in columns:
        blank = column.missing if blank is None else blank & column.missing
    return blank is not None and bool(blank.any())


class _Unrepeated:
    """Whether nothing repeats that must not. Of each value or key a hash is kept: rows whose hashes differ, differ.

    Equal hashes prove nothing: the whole check decides. Keys with an empty part or NaN are left to it too.
    """

    def __init__(self, schema: Schema) -> None:
        self._wanted = [[field.name] for field in schema.fields if field.constraints.get("unique")]
        key = list(schema.primary_key)
        if key and key not in self._wanted:
            self._wanted.append(key)
        self._hashes: list[list[pl.Series]] = [[] for _ in self._wanted]

    def take(self, rows: pa.Table) -> None:
        """Look at these rows too; _Doubt where a hash would not do."""
        for names, hashes in zip(self._wanted, self._hashes, strict=True):
            frame = pl.from_arrow(rows.select(names))
            assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table gives a frame)
            for column in frame.get_columns():
                if column.null_count() or (column.dtype.is_float() and column.is_nan().any()):
                    raise _Doubt
            hashes.append(frame.hash_rows(seed=1))

    def surely(self) -> bool:
        """Whether all rows taken differ."""
        return all(_differ(hashes) for hashes in self._hashes)


def _differ(hashes: list[pl.Series]) -> bool:
    every = pl.concat(hashes)
    return bool(every.n_unique() == len(every))

"""The rows of a version from its files: a whole table with the changes laid over it, batch by batch.

Memory is that of one batch and of the changes, which folding keeps few against the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from ckanext.kzopen.core.ahead import made_ahead
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.chain import Link
from ckanext.kzopen.rows.model import Version, way_to
from ckanext.kzopen.rows.store import PLACE, Draft
from sqlalchemy.orm import Session

BATCH = 10_000
WHOLE_BATCH = 100_000
AHEAD = 5
"""Batches that are read meanwhile at most: to gather the changes takes about as long as to read four."""


@dataclass(frozen=True)
class Table:
    """A version that can be read: the files that lead to it, and how many rows it has."""

    files_url: str
    links: tuple[Link, ...]
    rows: int

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """A column, read anew each time."""
        return self.read([name]).column(name)

    @property
    def whole(self) -> Link:
        """The whole table below all changes."""
        return self.links[0]

    @property
    def _lowest(self) -> Path:
        """The file of the whole table below all changes."""
        return store.file_of(self.files_url, self.whole.path)

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, with the Table Schema in its metadata."""
        return pq.read_schema(self._lowest)

    @cached_property
    def changes(self) -> pa.Table | None:
        """The rows that lie over the whole table, by PLACE; None when there are none."""
        if len(self.links) == 1:
            return None
        changes = [store.read_version(self.files_url, link.path) for link in self.links[1:]]
        return latest(changes, self.rows)

    def prepare(self) -> None:
        """Look at all files now; FileNotFoundError when one is gone, which would otherwise be found in the middle."""
        _ = self.schema, self.changes

    def batches(self, columns: Sequence[str] | None = None, size: int = BATCH) -> Iterator[pa.Table]:
        """The rows in order, at most `size` at a time; one empty batch when there are none."""
        over = None if self.changes is None else Overlay(self.changes, columns)
        for rows, start in self._below(columns, size):
            yield rows if over is None else over.laid(rows, start)
        yield from self._behind(over, columns)

    def _below(self, columns: Sequence[str] | None, size: int) -> Iterator[tuple[pa.Table, int]]:
        """The rows of the whole table that are still rows of this version, and how many lie before them."""
        start = 0
        with pq.ParquetFile(self._lowest) as file:
            for batch in file.iter_batches(batch_size=size, columns=list(columns) if columns is not None else None):
                if start >= self.rows:
                    break
                rows = pa.Table.from_batches([batch]).slice(0, self.rows - start)
                yield rows, start
                start += rows.num_rows

    def _behind(self, over: Overlay | None, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        """The rows that the whole table does not reach; an empty batch where there are no rows at all."""
        if over is not None and self.whole.rows < self.rows:
            yield over.beyond(self.whole.rows)
        elif not min(self.whole.rows, self.rows):
            empty = self.schema.empty_table()
            yield empty if columns is None else empty.select(list(columns))

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows at once; columns may come in chunks."""
        if len(self.links) > 1:
            return self._read_beside(columns)
        if self.whole.rows > self.rows:
            return pa.concat_tables(self.batches(columns, WHOLE_BATCH))
        return pq.read_table(self._lowest, columns=list(columns) if columns is not None else None)

    def _read_beside(self, columns: Sequence[str] | None) -> pa.Table:
        """Changes are gathered, and laid over batches, while the next ones are read."""

        @cache
        def over() -> Overlay:
            assert self.changes is not None  # noqa: S101 - there are links beside the whole table
            return Overlay(self.changes, columns)

        laid = list(made_ahead(lambda below: over().laid(*below), self._below(columns, WHOLE_BATCH), AHEAD))
        return pa.concat_tables([*laid, *self._behind(over(), columns)])

    def taken(self, places: Sequence[int]) -> pa.Table:
        """The rows with these numbers (from 1, ascending), in order."""
        wanted, found, start = pl.Series(places, dtype=pl.Int64), [], 0
        for batch in self.batches(size=WHOLE_BATCH):
            first, last = wanted.search_sorted(start + 1), wanted.search_sorted(start + batch.num_rows + 1)
            if last > first:
                found.append(batch.take((wanted[first:last] - (start + 1)).to_arrow()))
            if last == len(wanted):
                break
            start += batch.num_rows
        return pa.concat_tables(found) if found else self.schema.empty_table()


@dataclass(frozen=True)
class Drafted(Table):
    """A version that is read from its draft, before it is kept or given up."""

    path: Path

    @classmethod
    def of(cls, draft: Draft) -> Drafted:
        """The rows of a draft that was ended."""
        return cls("", (Link(None, 0, "", draft.rows),), draft.rows, draft.path)

    @property
    def _lowest(self) -> Path:
        return self.path


class Overlay:
    """Changed rows, sorted by PLACE, and how they are laid over batches of the table below."""

    def __init__(self, changes: pa.Table, columns: Sequence[str] | None = None) -> None:
        self.places = series(changes.column(PLACE))
        self.rows = changes.drop_columns([PLACE]) if columns is None else changes.select(list(columns))

    def laid(self, batch: pa.Table, start: int) -> pa.Table:
        """The batch, whose first row has the number `start` + 1, with the changed rows in their places."""
        first, last = self.places.search_sorted(start + 1), self.places.search_sorted(start + batch.num_rows + 1)
        if first == last:
            return batch
        rows = self.rows.slice(first, last - first).cast(batch.schema).combine_chunks()
        places = pl.int_range(batch.num_rows, eager=True)
        changed = pl.int_range(batch.num_rows, batch.num_rows + rows.num_rows, eager=True)
        wanted = places.scatter(self.places[first:last] - (start + 1), changed).to_arrow()
        pairs = zip(batch.combine_chunks().columns, rows.columns, strict=True)
        return pa.table([_taken(old, new, wanted) for old, new in pairs], batch.schema)

    def beyond(self, start: int) -> pa.Table:
        """The rows after number `start`."""
        return self.rows.slice(self.places.search_sorted(start + 1))


def _taken(old: pa.ChunkedArray, new: pa.ChunkedArray, wanted: pa.Array) -> pa.Array:
    """Values of two columns of one chunk each, put behind each other; of texts in a third of `replace_with_mask`'s time."""
    return pa.concat_arrays([old.chunk(0), new.chunk(0)]).take(wanted)


def latest(changes: Sequence[pa.Table], rows: int) -> pa.Table:
    """What is left of changes made one after the other on a table that has `rows` rows in the end, by PLACE."""
    every = pa.concat_tables([one.cast(changes[0].schema) for one in changes])
    places = series(every.column(PLACE))
    frame = pl.DataFrame({"place": places, "at": pl.int_range(len(places), eager=True)})
    kept = frame.filter(pl.col("place") <= rows).unique("place", keep="last").sort("place")
    return every.take(kept["at"].to_arrow()).combine_chunks()


def series(column: pa.ChunkedArray | pa.Array) -> pl.Series:
    """An Arrow column as a polars series."""
    found = pl.from_arrow(column)
    assert isinstance(found, pl.Series)  # noqa: S101 (a column gives a series)
    return found


def table_of(session: Session, files_url: str, version: Version) -> Table:
    """The version's table, ready to be read; `chain.NoWay` when it cannot be read any more."""
    return Table(files_url, tuple(way_to(session, version)), version.rows)

"""Where the rows with certain keys stand in a stored table.

What was read last is kept in memory: files never change, and a source that sends changes sends the next ones soon.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.reading import Table, series
from ckanext.kzopen.rows.store import PLACE

KEPT_BYTES = 64 << 20
"""Of keys in memory, in one process; a million of twelve letters take 16 MB."""


def places(old: Table, wanted: pl.DataFrame) -> pl.DataFrame:
    """The rows whose key is among `wanted`: the key's columns, and PLACE, from 1."""
    key, url = wanted.columns, old.files_url
    whole = _read(url, old.whole.path, key).with_row_index(PLACE, offset=1).cast({PLACE: pl.Int64})
    below = whole.join(wanted, on=key, how="semi").select(*key, PLACE)
    if len(old.links) == 1:
        return below.filter(pl.col(PLACE) <= old.rows)
    changes = [_read(url, link.path, [*key, PLACE]) for link in old.links[1:]]
    over = pl.concat(changes, how="vertical_relaxed").unique(PLACE, keep="last")
    still = below.join(over, on=PLACE, how="anti")
    return pl.concat([still, over.join(wanted, on=key, how="semi")]).filter(pl.col(PLACE) <= old.rows)


def columns(table: pa.Table) -> pl.DataFrame:
    """A table's columns for polars."""
    return pl.DataFrame({name: series(table.column(name)) for name in table.column_names})


class Kept:
    """Frames by name that take `most` bytes together; what was not asked for the longest time is forgotten first."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._frames: OrderedDict[tuple[str, ...], tuple[pl.DataFrame, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: tuple[str, ...]) -> pl.DataFrame | None:
        """The frame, which now counts as asked last."""
        with self._lock:
            found = self._frames.get(name)
            if found is not None:
                self._frames.move_to_end(name)
            return found[0] if found else None

    def keep(self, name: tuple[str, ...], frame: pl.DataFrame) -> None:
        """Keep it, unless it alone is too large."""
        size = int(frame.estimated_size())
        with self._lock:
            if size > self.most or name in self._frames:
                return
            self._frames[name] = (frame, size)
            self.size += size
            while self.size > self.most:
                _, (_, freed) = self._frames.popitem(last=False)
                self.size -= freed


kept = Kept(KEPT_BYTES)


def _read(files_url: str, path: str, names: Sequence[str]) -> pl.DataFrame:
    """Some columns of a stored file, in its order."""
    known = (files_url, path, *names)
    found = kept.get(known)
    if found is None:
        found = columns(pq.read_table(store.file_of(files_url, path), columns=list(names))).select(names)
        kept.keep(known, found)
    return found

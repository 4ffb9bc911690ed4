"""What a delivery to a large table changes: rows under their numbers, instead of the whole table again.

A row with a known key keeps its number, new rows come after the last. When rows are deleted, the last rows of the table take
their places, so that the numbers stay without a gap and only few rows change theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa
from ckanext.kzopen.rows import keys
from ckanext.kzopen.rows.diff import Difference, compare
from ckanext.kzopen.rows.reading import Table, series
from ckanext.kzopen.rows.store import PLACE

SMALLEST = 20_000
LARGEST_SHARE = 0.1
AT = "_at"
LOOKED_UP = 5_000
"""More old rows than these are read from the files."""
Look = Callable[[list[int]], pa.Table | None]
"""Gives the old rows with these numbers sooner than the files do, or None."""


@dataclass(frozen=True)
class Changed:
    """The rows to be put under the numbers in PLACE, and how many rows there are then.

    `clashes` are the positions (from 0) of sent rows whose key is there already, when it must not be.
    """

    table: pa.Table
    rows: int
    difference: Difference
    clashes: tuple[int, ...] = ()


def pays(rows: int, sent: int) -> bool:
    """Whether to store `sent` rows as a change of a table of `rows` rows, rather than the whole table again."""
    return rows >= SMALLEST and sent <= rows * LARGEST_SHARE


def appended(old: Table, sent: pa.Table, key: Sequence[str]) -> Changed:
    """The sent rows after the last."""
    clashes = tuple(_places(old, sent, key).drop_nulls(PLACE)[AT].sort().to_list()) if key else ()
    return replace(_changed(old, _numbered(sent, old.rows), 0), clashes=clashes)


def upserted(old: Table, sent: pa.Table, key: Sequence[str], look: Look | None = None) -> Changed:
    """Rows with a known key in their places, the others after the last.

    Rows that are as they were are left out, unless the old ones come from `look`: what it gives is told, not relied on.
    """
    places = _places(old, sent, key)
    known = places.drop_nulls(PLACE).sort(PLACE)
    after = sent.take(known[AT].to_arrow())
    before = _looked_up(look, known[PLACE].to_list(), after.select(list(key)))
    sure = before is None
    if before is None:
        before = old.taken(known[PLACE].to_list())
    after = after.cast(pa.schema(zip(before.schema.names, before.schema.types, strict=True)))
    differs = _differs(before, after).to_arrow()
    added = sent.take(places.filter(pl.col(PLACE).is_null())[AT].sort().to_arrow()).cast(after.schema)
    changed = _placed(after, known[PLACE])
    table = pa.concat_tables([changed.filter(differs) if sure else changed, _numbered(added, old.rows)])
    told = compare(before.filter(differs), pa.concat_tables([after.filter(differs), added]), list(key))
    unchanged = old.rows - told.changed
    return Changed(table, old.rows + added.num_rows, replace(told, unchanged=unchanged))


def _looked_up(look: Look | None, places: list[int], keys: pa.Table) -> pa.Table | None:
    """The old rows by way of `look`, if they have these keys; None when they have to be read from the files."""
    found = look(places) if look and len(places) <= LOOKED_UP else None
    if found is None or not found.select(keys.column_names).equals(keys.cast(found.select(keys.column_names).schema)):
        return None
    return found


def deleted(old: Table, keys: pa.Table, key: Sequence[str]) -> Changed:
    """Without the rows whose keys are sent; keys that are unknown are passed over."""
    gone = _places(old, keys, key)[PLACE].drop_nulls().unique().sort()
    rows = old.rows - len(gone)
    holes = gone.filter(gone <= rows)
    last = pl.int_range(rows + 1, old.rows + 1, eager=True)
    moved = last.filter(~last.is_in(gone.implode()))
    removed = old.taken(gone.to_list())
    told = compare(removed, removed.slice(0, 0), list(key))
    return Changed(_placed(old.taken(moved.to_list()), holes), rows, replace(told, unchanged=rows))


def _changed(old: Table, added: pa.Table, removed: int) -> Changed:
    rows = added.drop_columns([PLACE])
    told = compare(rows.slice(0, 0), rows, [])
    return Changed(added, old.rows + added.num_rows - removed, replace(told, unchanged=old.rows))


def _places(old: Table, sent: pa.Table, key: Sequence[str]) -> pl.DataFrame:
    """For each sent row (AT, from 0) the number of the row with its key, null when there is none."""
    wanted = keys.columns(sent.select(list(key))).with_row_index(AT).cast({AT: pl.Int64})
    found = keys.places(old, wanted.select(key))
    return wanted.join(found, on=list(key), how="left").select(AT, PLACE)


def _differs(before: pa.Table, after: pa.Table) -> pl.Series:
    differs = pl.repeat(False, before.num_rows, dtype=pl.Boolean, eager=True)
    for name in before.column_names:
        differs = differs | series(before.column(name)).ne_missing(series(after.column(name)))
    return differs


def _numbered(rows: pa.Table, after: int) -> pa.Table:
    return _placed(rows, pl.int_range(after + 1, after + 1 + rows.num_rows, eager=True))


def _placed(rows: pa.Table, places: pl.Series) -> pa.Table:
    return rows.replace_schema_metadata(None).append_column(PLACE, places.cast(pl.Int64).to_arrow())

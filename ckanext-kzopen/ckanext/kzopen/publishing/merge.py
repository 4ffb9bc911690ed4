"""The table that a delivery leads to: the whole new version, whatever the mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
from ckanext.kzopen.rows import changes
from ckanext.kzopen.rows.reading import Table
from ckanext.kzopen.validation.tables import ARROW

PLACE = "_kzopen_place"


class OtherColumns(Exception):
    """Rows cannot be added to a version whose columns are not those of the table schema any more."""


@dataclass(frozen=True)
class Merged:
    """The whole new table; `clashes` are the positions (from 0) of sent rows whose key is there already."""

    table: pa.Table
    clashes: tuple[int, ...] = ()


def fitted(old: pa.Table, sent: pa.Table, fields: Sequence[Mapping[str, Any]]) -> pa.Table:
    """`old` with the columns of a schema that got further ones, which its rows leave empty.

    Raises OtherColumns when it has one that the schema has no more, or lacks one that may not be empty.
    """
    names = [field["name"] for field in fields]
    if set(old.schema.names) - set(names):
        raise OtherColumns
    columns: dict[str, Any] = {}
    for field in fields:
        name = field["name"]
        if name in old.schema.names:
            columns[name] = old.column(name)
        elif (field.get("constraints") or {}).get("required"):
            raise OtherColumns
        else:
            known = (
                sent.schema.field(name).type if name in sent.schema.names else ARROW.get(field.get("type", ""), pa.string())
            )
            columns[name] = pa.nulls(old.num_rows, known)
    return pa.table(columns)


def merged(mode: str, old: pa.Table | None, sent: pa.Table, key: list[str]) -> Merged:
    """What becomes of `old` when `sent` is delivered in `mode`.

    `append` adds the rows; `upsert` puts rows with a known key in the place of the old ones and adds the others; `delete`
    takes away the rows whose key is sent. Raises OtherColumns when `old` has not the columns of `sent`.
    """
    if mode == "replace" or old is None:
        return Merged(sent if mode != "delete" else sent.slice(0, 0))
    if mode == "delete":
        return Merged(_without(old, _like(old.schema, sent, key), key))
    if old.schema.names != sent.schema.names or old.schema.types != sent.schema.types:
        raise OtherColumns
    if mode == "append":
        return Merged(pa.concat_tables([old, sent.cast(old.schema)]), _known(old, sent, key))
    return Merged(_upserted(old, sent, key))


def as_change(mode: str, rows: int, sent: int) -> bool:
    """Whether a delivery of `sent` rows to a table of `rows` rows is stored as a change of it."""
    return mode != "replace" and changes.pays(rows, sent)


def changed(mode: str, old: Table, sent: pa.Table, key: list[str], look: changes.Look | None = None) -> changes.Changed:
    """What `sent` changes in the stored table `old`; raises OtherColumns when `old` has not the columns of `sent`."""
    if mode == "delete":
        return changes.deleted(old, _like(old.schema, sent, key), key)
    if old.schema.names != sent.schema.names or old.schema.types != sent.schema.types:
        raise OtherColumns
    return changes.appended(old, sent, key) if mode == "append" else changes.upserted(old, sent, key, look)


def _like(stored: pa.Schema, keys: pa.Table, key: list[str]) -> pa.Table:
    """The keys in the types of the stored table; those that these cannot hold are in no row of it."""
    frame, wanted = _frame(keys.select(key)), _frame(stored.empty_table().select(key)).schema
    if frame.schema == wanted:
        return keys
    for name, kind in wanted.items():
        frame = _held(frame, name, kind)
    return frame.to_arrow()


def _held(frame: pl.DataFrame, name: str, kind: pl.DataType) -> pl.DataFrame:
    """The rows whose value the type can hold."""
    before = frame[name]
    try:
        after = before.cast(kind, strict=False)
        same = after.cast(before.dtype, strict=False).eq_missing(before)
    except pl.exceptions.PolarsError:  # nothing of the one type is of the other
        return frame.clear().with_columns(pl.lit(None, dtype=kind).alias(name))
    return frame.with_columns(after).filter(same)


def _without(old: pa.Table, sent: pa.Table, key: list[str]) -> pa.Table:
    kept = _frame(old).with_row_index(PLACE).join(_frame(sent.select(key)), on=key, how="anti")
    return old.take(pa.array(kept.get_column(PLACE).sort().to_arrow()))


def _known(old: pa.Table, sent: pa.Table, key: list[str]) -> tuple[int, ...]:
    if not key:
        return ()
    found = _frame(sent.select(key)).with_row_index(PLACE).join(_frame(old.select(key)), on=key, how="semi")
    return tuple(found.get_column(PLACE).sort().to_list())


def _upserted(old: pa.Table, sent: pa.Table, key: list[str]) -> pa.Table:
    """Row numbers are joined and the rows taken from the tables as they are, so that no value changes its type."""
    places = _frame(old.select(key)).with_row_index(PLACE)
    news = _frame(sent.select(key)).with_row_index("_kzopen_sent")
    matched = news.join(places, on=key, how="left")
    replaced = dict(matched.filter(pl.col(PLACE).is_not_null()).select(PLACE, "_kzopen_sent").iter_rows())
    added = matched.filter(pl.col(PLACE).is_null()).get_column("_kzopen_sent").sort().to_list()
    size = old.num_rows
    chosen = [size + replaced[place] if place in replaced else place for place in range(size)]
    return pa.concat_tables([old, sent.cast(old.schema)]).take(pa.array([*chosen, *(size + n for n in added)], pa.int64()))


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never read as a series
    return frame

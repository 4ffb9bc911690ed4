"""What changed between two versions of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Protocol

import polars as pl
import pyarrow as pa
from ckanext.kzopen.rows.reading import Table, series

SAMPLES = 20
Row = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One row under the same key: its key and, for each field that differs, the old and the new value."""

    key: Row
    fields: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Difference:
    """Counts of rows, the first rows of each kind, and how many rows changed in each field.

    Columns that only one version has are named in `columns_added` and `columns_removed` and are not compared.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    added_rows: tuple[Row, ...] = ()
    changed_rows: tuple[Change, ...] = ()
    removed_rows: tuple[Row, ...] = ()
    changed_fields: Mapping[str, int] | None = None
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON values: dates in ISO form, exact decimals as text."""
        told: dict[str, Any] = _json(asdict(self))
        return told


class Side(Protocol):
    """One of two versions: its columns can be had one by one, and rows by their index from 0."""

    @property
    def names(self) -> list[str]: ...

    @property
    def size(self) -> int: ...

    def column(self, name: str) -> pl.Series: ...

    def taken(self, indexes: pl.Series) -> pl.DataFrame: ...


@dataclass(frozen=True)
class InMemory:
    """A version that is a table in memory."""

    table: pa.Table

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self.table.column_names)

    @property
    def size(self) -> int:
        """How many rows it has."""
        return int(self.table.num_rows)

    def column(self, name: str) -> pl.Series:
        """One column."""
        return series(self.table.column(name))

    def taken(self, indexes: pl.Series) -> pl.DataFrame:
        """Some rows; where they follow each other, no column is copied to find them."""
        first = int(indexes[0]) if len(indexes) else 0
        if indexes.cast(pl.Int64).equals(pl.int_range(first, first + len(indexes), eager=True)):
            return _frame(self.table.slice(first, len(indexes)))
        return _frame(self.table.take(indexes.to_arrow()))


@dataclass(frozen=True)
class InFiles:
    """A stored version, of which only the columns and rows asked for are read."""

    table: Table

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self.table.schema.names)

    @property
    def size(self) -> int:
        """How many rows it has."""
        return self.table.rows

    def column(self, name: str) -> pl.Series:
        """One column."""
        return series(self.table[name])

    def taken(self, indexes: pl.Series) -> pl.DataFrame:
        """Some rows, in the order of the table."""
        if not len(indexes):
            return _frame(self.table.schema.empty_table())
        order = indexes.sort()
        found = _frame(self.table.taken((order + 1).to_list()))
        return found[order.search_sorted(indexes).to_list()]


def compare(old: pa.Table | Table, new: pa.Table | Table, key: Sequence[str], samples: int = SAMPLES) -> Difference:
    """Compare by `key`; without one, or when a version lacks its columns, whole rows are compared as a multiset.

    Without a key nothing is "changed": a row with another value is one row removed and one added. By key, memory is that of
    the key and one column of each side.
    """
    before, after = _side(old), _side(new)
    known = set(before.names)
    common = [name for name in after.names if name in known]
    extra: dict[str, Any] = {
        "columns_added": tuple(name for name in after.names if name not in known),
        "columns_removed": tuple(name for name in before.names if name not in set(common)),
    }
    if not before.size or not after.size:
        return _nothing_alike(before, after, common, samples, extra)
    if key and set(key) <= set(common):
        pairs = _pairs(before, after, list(key))
        if pairs is not None:
            return _by_key(_Pairing(before, after, pairs), list(key), common, samples, extra)
    frames = _alike(before, after, common)
    return _by_row(*frames, samples, extra)


def _side(version: pa.Table | Table) -> Side:
    return InFiles(version) if isinstance(version, Table) else InMemory(version)


def _nothing_alike(before: Side, after: Side, names: list[str], samples: int, extra: dict[str, Any]) -> Difference:
    """One of them has no rows: there is nothing to compare."""
    first = [side.taken(pl.int_range(min(samples, side.size), eager=True)).select(names) for side in (before, after)]
    removed, added = (tuple(rows.to_dicts()) for rows in first)
    return Difference(after.size, 0, before.size, 0, added_rows=added, removed_rows=removed, changed_fields={}, **extra)


def _alike(before: Side, after: Side, names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """These columns of both; where their types differ, as text."""
    found = {name: _same_type(before.column(name), after.column(name)) for name in names}
    if not found:
        return pl.DataFrame(height=before.size), pl.DataFrame(height=after.size)
    return pl.DataFrame({n: pair[0] for n, pair in found.items()}), pl.DataFrame({n: pair[1] for n, pair in found.items()})


def _same_type(old: pl.Series, new: pl.Series) -> tuple[pl.Series, pl.Series]:
    return (old, new) if old.dtype == new.dtype else (old.cast(pl.String), new.cast(pl.String))


def _frame(table: pa.Table) -> pl.DataFrame:
    if not table.num_columns:
        return pl.DataFrame(height=table.num_rows)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table gives a frame)
    return frame


def _pairs(before: Side, after: Side, key: list[str]) -> pl.DataFrame | None:
    """The indexes of rows with one key, `was` and `is`, null where a side has none; None when a key repeats."""
    old, new = _alike(before, after, key)
    if len(old) == len(new) and old.equals(new):
        same = pl.int_range(len(old), eager=True)
        return None if _repeats(old, key) else pl.DataFrame({"was": same, "is": same})
    if _repeats(old, key) or _repeats(new, key):
        return None
    old, new = old.with_row_index("was"), new.with_row_index("is")
    joined = new.join(old, on=key, how="full", nulls_equal=True) if len(old) and len(new) else _one_sided(old, new)
    return joined.select("was", "is").cast(pl.Int64)


def _one_sided(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([old.select("was"), new.select("is")], how="diagonal")


def _repeats(frame: pl.DataFrame, key: Sequence[str]) -> bool:
    if len(key) == 1:
        return bool(frame[key[0]].n_unique() < len(frame))
    return bool(frame.select(pl.struct(key).is_duplicated().any()).item()) if len(frame) else False


@dataclass(frozen=True)
class _Pairing:
    """Two versions and which of their rows have one key."""

    before: Side
    after: Side
    pairs: pl.DataFrame

    @property
    def both(self) -> pl.DataFrame:
        """The rows that both have, in the order of the new one."""
        found = self.pairs.drop_nulls()
        return found if found["is"].is_sorted() else found.sort("is")

    def only(self, side: str, other: str) -> pl.Series:
        """The rows that one of them has alone, in its order."""
        return self.pairs.filter(pl.col(other).is_null())[side].sort()

    def values(self, name: str, both: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """The old and the new values of a column in the rows of `both`."""
        old, new = _same_type(self.before.column(name), self.after.column(name))
        return _gathered(old, both["was"]), _gathered(new, both["is"])


def _gathered(values: pl.Series, indexes: pl.Series) -> pl.Series:
    whole = len(values) == len(indexes) and indexes.equals(pl.int_range(len(values), eager=True))
    return values if whole else values.gather(indexes)


def _by_key(pairing: _Pairing, key: list[str], names: list[str], samples: int, extra: dict[str, Any]) -> Difference:
    values = [name for name in names if name not in key]
    both = pairing.both
    changed, by_field = pl.repeat(False, len(both), dtype=pl.Boolean, eager=True), {}
    for name in values if len(both) else []:
        old, new = pairing.values(name, both)
        differs = old.ne_missing(new)
        if count := int(differs.sum()):
            by_field[name], changed = count, changed | differs
    added, removed = pairing.only("is", "was"), pairing.only("was", "is")
    shown = both.filter(changed).head(samples)
    old_rows, new_rows = _alike_rows(pairing.before.taken(shown["was"]), pairing.after.taken(shown["is"]), names)
    return Difference(
        added=len(added),
        changed=int(changed.sum()),
        removed=len(removed),
        unchanged=len(both) - int(changed.sum()),
        added_rows=tuple(pairing.after.taken(added.head(samples)).select(names).to_dicts()),
        changed_rows=tuple(_change(old, new, key, values) for old, new in zip(old_rows, new_rows, strict=True)),
        removed_rows=tuple(pairing.before.taken(removed.head(samples)).select(names).to_dicts()),
        changed_fields=by_field,
        **extra,
    )


def _alike_rows(old: pl.DataFrame, new: pl.DataFrame, names: list[str]) -> tuple[list[Row], list[Row]]:
    pairs = [_same_type(old[name], new[name]) for name in names]
    return pl.DataFrame([pair[0] for pair in pairs]).to_dicts(), pl.DataFrame([pair[1] for pair in pairs]).to_dicts()


def _change(old: Row, new: Row, key: list[str], values: list[str]) -> Change:
    pairs = {name: (old[name], new[name]) for name in values if old[name] != new[name]}
    return Change({name: new[name] for name in key}, pairs)


def _by_row(before: pl.DataFrame, after: pl.DataFrame, samples: int, extra: dict[str, Any]) -> Difference:
    names = after.columns
    if not names:
        return Difference(len(after), 0, len(before), 0, **extra)
    counted = _times(before, names, "was").join(
        _times(after, names, "is"), on=names, how="full", coalesce=True, nulls_equal=True, maintain_order="right_left"
    )
    counted = counted.with_columns(pl.col("\0was").fill_null(0), pl.col("\0is").fill_null(0))
    more = counted.with_columns(by=pl.col("\0is") - pl.col("\0was")).filter(pl.col("by") > 0)
    less = counted.with_columns(by=pl.col("\0was") - pl.col("\0is")).filter(pl.col("by") > 0)
    return Difference(
        added=int(more["by"].sum()),
        changed=0,
        removed=int(less["by"].sum()),
        unchanged=int(counted.select(pl.min_horizontal("\0was", "\0is").sum()).item()),
        added_rows=tuple(more.select(names).head(samples).to_dicts()),
        removed_rows=tuple(less.select(names).head(samples).to_dicts()),
        changed_fields={},
        **extra,
    )


def _times(frame: pl.DataFrame, names: list[str], name: str) -> pl.DataFrame:
    return frame.group_by(names, maintain_order=True).agg(pl.len().cast(pl.Int64).alias(f"\0{name}"))


def _json(value: Any) -> Any:
    match value:
        case dict():
            return {name: _json(item) for name, item in value.items()}
        case list() | tuple():
            return [_json(item) for item in value]
        case Decimal():
            return str(value)
        case date() | datetime() | time():
            return value.isoformat()
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
    return value

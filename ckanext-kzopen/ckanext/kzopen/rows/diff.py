"""What changed between two versions of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa

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


def compare(old: pa.Table, new: pa.Table, key: Sequence[str], samples: int = SAMPLES) -> Difference:
    """Compare by `key`; without one, or when a version lacks its columns, whole rows are compared as a multiset.

    Without a key nothing is "changed": a row with another value is one row removed and one added.
    """
    common = [name for name in new.column_names if name in set(old.column_names)]
    before, after = _alike(old, new, common)
    extra = {
        "columns_added": tuple(name for name in new.column_names if name not in set(common)),
        "columns_removed": tuple(name for name in old.column_names if name not in set(common)),
    }
    if key and set(key) <= set(common) and not _repeats(before, key) and not _repeats(after, key):
        return _by_key(before, after, list(key), samples, extra)
    return _by_row(before, after, samples, extra)


def _alike(old: pa.Table, new: pa.Table, common: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The common columns of both; where their types differ, as text."""
    before, after = _frame(old.select(common)), _frame(new.select(common))
    differing = [name for name in common if before[name].dtype != after[name].dtype]
    as_text = [pl.col(name).cast(pl.String) for name in differing]
    return before.with_columns(as_text), after.with_columns(as_text)


def _frame(table: pa.Table) -> pl.DataFrame:
    if not table.num_columns:
        return pl.DataFrame(height=table.num_rows)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table gives a frame)
    return frame


def _repeats(frame: pl.DataFrame, key: Sequence[str]) -> bool:
    return bool(frame.select(pl.struct(key).is_duplicated().any()).item()) if len(frame) else False


def _by_key(before: pl.DataFrame, after: pl.DataFrame, key: list[str], samples: int, extra: dict[str, Any]) -> Difference:
    values = [name for name in after.columns if name not in key]
    added = after.join(before, on=key, how="anti", nulls_equal=True, maintain_order="left")
    removed = before.join(after, on=key, how="anti", nulls_equal=True, maintain_order="left")
    both = after.join(before, on=key, how="inner", nulls_equal=True, maintain_order="left", suffix="\0old")
    differs = [pl.col(name).ne_missing(pl.col(f"{name}\0old")).alias(name) for name in values]
    flags = both.select(differs)
    by_field = {name: int(flags[name].sum()) for name in values if flags[name].any()}
    changed = both.filter(pl.any_horizontal(differs)) if differs else both.clear()
    return Difference(
        added=len(added),
        changed=len(changed),
        removed=len(removed),
        unchanged=len(both) - len(changed),
        added_rows=tuple(added.head(samples).to_dicts()),
        changed_rows=tuple(_change(row, key, values) for row in changed.head(samples).to_dicts()),
        removed_rows=tuple(removed.head(samples).to_dicts()),
        changed_fields=by_field,
        **extra,
    )


def _change(row: Row, key: list[str], values: list[str]) -> Change:
    pairs = {name: (row[f"{name}\0old"], row[name]) for name in values}
    return Change({name: row[name] for name in key}, {name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


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

"""Which rows have a key, or a value of a column that is looked up, too long for an index of PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 2_600
"""Bytes of a key in UTF-8. A page of a B-tree takes 2,704 with what stands beside them; that PostgreSQL might pack a longer
one nobody can rely on."""
NUMBER = 32
"""Bytes of any value that is no text, at most: a numeric of 38 digits takes 28, one of more digits is a text."""
BESIDE = 7
"""Bytes that each further column of a key may take beside its value."""
NESTED = ("object", "array", "geojson")
"""Types of columns that get no index, as they are stored as `jsonb`."""


def looked_up(descriptor: Mapping[str, Any]) -> list[list[str]]:
    """The columns of each index that a table gets by its schema: the key, and each column marked `indexed` (as
    `rows.shapes.indexes` makes them)."""
    key = descriptor.get("primaryKey") or []
    key = [key] if isinstance(key, str) else list(key)
    fields = [field for field in descriptor.get("fields", ()) if field.get("type") not in NESTED]
    marked = [[field["name"]] for field in fields if field.get("indexed")]
    return ([key] if key else []) + [one for one in marked if one != key]


def too_long(rows: pa.Table, names: Sequence[str]) -> dict[int, int]:
    """The rows, from 0, in which these columns together are longer than LONGEST, and how many bytes they have."""
    if not set(names) <= set(rows.column_names):
        return {}
    texts = [rows.column(name) for name in names if _is_text(rows.schema.field(name).type)]
    rest = (len(names) - len(texts)) * NUMBER + (len(names) - 1) * BESIDE
    if sum(pc.max(pc.binary_length(text)).as_py() or 0 for text in texts) + rest <= LONGEST:
        return {}
    lengths: Any = pa.scalar(rest, pa.int64())
    for text in texts:
        lengths = pc.add(lengths, pc.fill_null(pc.binary_length(text), 0).cast(pa.int64()))
    places = pc.indices_nonzero(pc.greater(lengths, LONGEST))
    return dict(zip(places.to_pylist(), lengths.take(places).to_pylist(), strict=True))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

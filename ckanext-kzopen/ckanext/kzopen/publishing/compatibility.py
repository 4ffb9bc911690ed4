"""What becomes of a published table's columns under another schema: which are new, gone, or of another type.

New columns that may be empty, labels and rules are compatible: every mode goes on, and old rows leave the new columns empty.
A column that is gone or has another type breaks the programs that read it: rows are not added to the old ones, and a whole
table is published when a person has said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDER = {("integer", "number"), ("year", "integer"), ("year", "number")}
"""Types whose values are all values of the other one, told in the same way."""
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """Names of columns, each in the order of its schema."""

    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()


def names(schema: Schema) -> list[str]:
    """The columns of a schema."""
    return [field["name"] for field in schema.get("fields", [])]


def compared(old: Schema, new: Schema) -> Columns:
    """How the columns of `new` differ from those of `old`."""
    before, after = _types(old), _types(new)
    return Columns(
        added=tuple(name for name in after if name not in before),
        gone=tuple(name for name in before if name not in after),
        retyped=tuple(name for name, kind in before.items() if name in after and not _fits(kind, after[name])),
    )


def _fits(old: str, new: str) -> bool:
    return old == new or (old, new) in WIDER


def _types(schema: Schema) -> dict[str, str]:
    return {field["name"]: field.get("type", "string") for field in schema.get("fields", [])}

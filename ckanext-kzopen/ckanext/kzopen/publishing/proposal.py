"""Columns proposed from a file, for a person to confirm: codes stay text, only what is certain gets another type."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def proposed(path: Path, *, with_notation: bool = False) -> dict[str, Any]:
    """A table schema for the table in a file, with titles in the language of its labels and a key where one is certain; raises
    validation's Unreadable when there is no table.

    Local notations of numbers and dates do not become the column's format unless that is asked for: the portal keeps
    the plain one, and files that are written otherwise are offered the repair.
    """
    from ckanext.kzopen.validation.infer import as_written, schema_for
    from ckanext.kzopen.validation.reading import read
    from ckanext.kzopen.validation.repairs.make import made
    from ckanext.kzopen.validation.repairs.suggest import offered, table_without_schema

    cells = read(path)
    mendable = [repair for repair in offered(cells) if not repair.done and repair.kind != "no-header"]
    schema = schema_for(made(table_without_schema(cells), mendable, ()))
    plain = schema | {"fields": [_plain(field) for field in schema["fields"]]}
    return as_written(cells, plain) if with_notation else plain


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Without what belongs to a file's notation."""
    left_out = {"decimalChar", "groupChar", "missingValues", "title"}
    left_out |= {"format"} if field["type"] == "date" else set()
    return {name: value for name, value in field.items() if name not in left_out}

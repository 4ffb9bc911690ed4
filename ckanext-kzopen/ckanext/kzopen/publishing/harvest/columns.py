"""Which columns a harvested table has: those that the source describes, or those of its first file; changes are noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import proposal
from ckanext.kzopen.publishing.harvest import describing

Schema = Mapping[str, Any]


def schema_for(
    described: Schema | None, published: Schema | None, file: Path | None, *, key: Sequence[str] = (), accepted: bool = False
) -> dict[str, Any]:
    """The schema of the next version.

    Columns that are published keep their type and key, new ones are added. When one is gone, or the source itself gives it
    another type, a person has to accept that: KzError harvest.columns_changed unless `accepted`.
    """
    fresh = describing.labelled(described if described is not None else _first(file, key))
    if not published or not published.get("fields") or accepted:
        return fresh
    known = {field["name"]: field for field in published["fields"]}
    found = {field["name"]: field for field in fresh["fields"]}
    lost = [name for name in known if name not in found]
    if described is not None:
        lost += [name for name in known if name in found and _type(known[name]) != _type(found[name])]
    if lost:
        raise KzError("harvest.columns_changed", columns=", ".join(lost))
    if described is not None:
        return fresh
    return {**published, "fields": [known.get(name, field) for name, field in found.items()]}


def _first(file: Path | None, key: Sequence[str]) -> dict[str, Any]:
    return {"fields": inferred(file) if file else []} | ({"primaryKey": list(key)} if key else {})


def inferred(file: Path) -> list[dict[str, Any]]:
    """The columns of a file; KzError harvest.not_a_table when it has none."""
    from ckanext.kzopen.validation.cells import Unreadable

    try:
        columns: list[dict[str, Any]] = proposal.proposed(file)["fields"]
    except Unreadable as error:
        raise KzError("harvest.not_a_table", reason=str(error.args[-1] if error.args else error)) from error
    if not columns:
        raise KzError("harvest.not_a_table", reason="no columns")
    return columns


def _type(field: Mapping[str, Any]) -> str:
    return str(field.get("type") or "string")

"""Which columns of a table hold codes of a reference table.

A Table Schema refers by `foreignKeys`: `{"fields": "kato", "reference": {"resource": "ref-regions", "fields": "code"}}`;
`resource` is the name of a data set of this portal that everybody may see, and none, or "", is the table itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.rows.readers import may_see
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Reference:
    """Columns whose values are codes of another table: its data set ("" = the table itself), and the columns of the codes
    there."""

    columns: tuple[str, ...]
    uri: str
    codes: tuple[str, ...]


def references(schema: Mapping[str, Any]) -> list[Reference]:
    """The references of a schema; keys of an older one that name no columns, or not as many here as there, are none."""
    found = []
    for key in schema.get("foreignKeys") or []:
        told = key.get("reference") if isinstance(key, Mapping) else None
        if isinstance(told, Mapping):
            here, there = _listed(key.get("fields")), _listed(told.get("fields"))
            if here and len(here) == len(there):
                found.append(Reference(here, str(told.get("resource") or ""), there))
    return found


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def of_words(schema: Mapping[str, Any]) -> list[Reference]:
    """The references whose single codes have words in another table."""
    return [reference for reference in references(schema) if reference.uri and len(reference.columns) == 1]


def public_version(session: Session, uri: str) -> versions.Version | None:
    """The newest version of a table, if everybody may see its data set."""
    current = versions.latest(session, uri)
    return current if current is not None and may_see("", current.package_id) else None


def fingerprint(session: Session, schema: Mapping[str, Any]) -> str:
    """What the labels of a table are made of: the versions of the reference tables, each with the column of its codes."""
    found = [(reference.columns[0], public_version(session, reference.uri)) for reference in of_words(schema)]
    return " ".join(f"{column} {version.sha256}" for column, version in found if version)

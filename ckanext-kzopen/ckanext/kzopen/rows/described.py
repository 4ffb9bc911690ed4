"""How the columns of a version are called today, and whose codes they hold: rows and types belong to the version, labels and
references to the data set's passport."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ckanext.kzopen.rows.model import Version
from ckanext.kzopen.rows.references import references
from sqlalchemy.orm import Session

Passports = Callable[[Session, Collection[str]], Mapping[str, Mapping[str, Any]]]
"""Gives the Table Schemas of data sets, by id, as they are described today; without those that are not described."""
LABELS = ("title", "title_translated", "description", "description_translated")
"""What a column is called, as members of its field."""

_passports: list[Passports] = []


def by(passports: Passports) -> None:
    """Let labels be read from there, in the place of those with which a version was published."""
    _passports[:] = [passports]


def schema_of(session: Session, version: Version) -> Mapping[str, Any]:
    """The Table Schema of a version with the labels that its data set has today."""
    return schemas_of(session, [version])[version.package_id]


def schemas_of(session: Session, versions: Collection[Version]) -> dict[str, Mapping[str, Any]]:
    """`schema_of` for versions of different data sets, by the id of the data set."""
    known = today(session, versions)
    return {one.package_id: relabelled(one.schema, known.get(one.package_id, one.schema)) for one in versions}


def today(session: Session, versions: Collection[Version]) -> Mapping[str, Mapping[str, Any]]:
    """The Table Schemas of the passports of these versions' data sets as they are now, by the id of the data set."""
    found: Mapping[str, Mapping[str, Any]] = {}
    for passports in _passports:
        found = passports(session, [version.package_id for version in versions])
    return found


def relabelled(schema: Mapping[str, Any], labels: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose columns have the titles and descriptions, and refer to the tables, that another one gives them."""
    known = {field["name"]: field for field in labels.get("fields", ())}
    fields = [_relabelled(field, known.get(field["name"], field)) for field in schema.get("fields", ())]
    keys = [key for key in labels.get("foreignKeys") or () if _has_columns(schema, key)]
    rest = {name: value for name, value in schema.items() if name != "foreignKeys"}
    return {**rest, "fields": fields} | ({"foreignKeys": keys} if keys else {})


def _relabelled(field: Mapping[str, Any], labels: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in field.items() if name not in LABELS}
    return rest | {name: labels[name] for name in LABELS if name in labels}


def _has_columns(schema: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    names = {field["name"] for field in schema.get("fields", ())}
    return all(names.issuperset(reference.columns) for reference in references({"foreignKeys": [key]}))

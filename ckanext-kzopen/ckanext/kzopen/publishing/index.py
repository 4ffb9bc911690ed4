"""What the search document of a data set tells of its table: names and labels of the columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ckan import model
from ckanext.kzopen.publishing.model import Passport
from ckanext.kzopen.search import registry
from sqlalchemy import select

MOST = 600
"""Texts of one table; a table may have a thousand columns with labels in three languages."""


def register() -> None:
    """A passport that changes changes the document of its data set."""
    registry.feeds("passport", registry.PACKAGE, _touched)


def _touched(instance: Any) -> Iterable[str]:
    return (instance.package_id,) if isinstance(instance, Passport) else ()


def with_columns(document: dict[str, Any]) -> dict[str, Any]:
    """CKAN's document of a data set with the columns of its table."""
    wanted = select(Passport.schema).where(Passport.package_id == document.get("id"))
    schema = model.Session.scalar(wanted)
    found = list(dict.fromkeys(_texts(schema.get("fields", []) if schema else [])))[:MOST]
    return {**document, "columns": found} if found else document


def _texts(fields: Iterable[dict[str, Any]]) -> Iterable[str]:
    for field in fields:
        titles = (field.get("title"), *(field.get("title_translated") or {}).values())
        yield from (str(text) for text in (field.get("name"), *titles) if text)

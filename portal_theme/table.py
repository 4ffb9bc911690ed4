"""What the page of a data set shows of its table: first rows, columns, downloads, versions, keywords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk

from portal_theme.reader import Translated

NUMERIC = {"int", "int2", "int4", "int8", "numeric", "float", "float4", "float8"}


@dataclass(frozen=True)
class Column:
    """A column as a reader meets it; `type` is the DataStore's."""

    name: str
    title: Translated
    description: Translated
    type: str
    numeric: bool


@dataclass(frozen=True)
class Preview:
    """The first rows of a table, each a dict by the column's name."""

    columns: list[Column]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Download:
    """One form in which the table can be taken."""

    format: str
    url: str


def kz_table(package: Mapping[str, Any]) -> dict[str, Any] | None:
    """The resource that holds the table of a data set, or None when it has none."""
    return next((resource for resource in package.get("resources", []) if resource.get("datastore_active")), None)


def kz_preview(resource: Mapping[str, Any], limit: int) -> Preview | None:
    """The first `limit` rows of a table, or None when the DataStore has nothing of it."""
    query = {"resource_id": resource["id"], "limit": limit, "include_total": False}
    try:
        found = tk.get_action("datastore_search")({}, query)
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None
    return Preview([column_of(field) for field in found["fields"] if field["id"] != "_id"], found["records"])


def column_of(field: Mapping[str, Any]) -> Column:
    """A column from what the DataStore says of it; titles in languages are kept in its `info`."""
    info = field.get("info") or {}
    title = info.get("title_translated") or info.get("label") or field["id"]
    description = info.get("description_translated") or info.get("notes") or ""
    return Column(field["id"], title, description, field["type"], field["type"] in NUMERIC)


def kz_downloads(package: Mapping[str, Any], resource: Mapping[str, Any]) -> list[Download]:
    """The forms in which the table can be taken from CKAN's DataStore."""
    return [
        Download(name, tk.url_for("datastore.dump", resource_id=resource["id"], format=form, bom=name == "CSV"))
        for name, form in (("CSV", "csv"), ("JSON", "json"), ("TSV", "tsv"), ("XML", "xml"))
    ]


def kz_versions(package: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The versions of the table, newest first."""
    return []


def kz_keywords(package: Mapping[str, Any]) -> list[str]:
    """The keywords in the reader's language, else CKAN's tags."""
    translated = package.get("tags_translated") or {}
    words = translated.get(str(tk.h.lang())) if isinstance(translated, Mapping) else None
    return list(words or [tag["display_name"] for tag in package.get("tags", [])])


TABLE = (kz_table, kz_preview, kz_downloads, kz_versions, kz_keywords)

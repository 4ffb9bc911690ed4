"""What the page of a data set shows of its table: first rows, columns, downloads, versions, keywords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.rows.export import XLSX_ROWS
from ckanext.kzopen.rows.model import Version, all_of
from markupsafe import Markup

from portal_theme.reader import Translated, kz_date

NAMES = {"csv": "CSV", "xlsx": "Excel", "json": "JSON", "parquet": "Parquet"}
ENDINGS = tuple(NAMES)
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
    title = _languages(info, "label") or info.get("label") or field["id"]
    description = _languages(info, "notes") or info.get("notes") or ""
    return Column(field["id"], title, description, field["type"], field["type"] in NUMERIC)


def _languages(info: Mapping[str, Any], key: str) -> dict[str, str]:
    return {language: info[f"{key}_{language}"] for language in LANGUAGES if info.get(f"{key}_{language}")}


def kz_type(column: Column) -> str:
    """The type of a column in words."""
    words = {
        "text": tk._("text"),
        "bool": tk._("yes or no"),
        "date": tk._("date"),
        "timestamp": tk._("date and time"),
        "time": tk._("time of day"),
    }
    return tk._("number") if column.numeric else words.get(column.type, column.type)


def kz_cell(value: Any, column: Column) -> str | Markup:
    """A cell for reading: dates and yes/no in the reader's form, numbers as they are published."""
    if value is None:
        return ""
    if column.type == "bool":
        return tk._("yes") if value else tk._("no")
    if column.type in ("date", "timestamp"):
        return kz_date(value, short=True, time=column.type == "timestamp")
    return str(value)


def kz_downloads(package: Mapping[str, Any], resource: Mapping[str, Any]) -> list[Download]:
    """The forms in which the table can be taken: its published version, else what CKAN's DataStore holds."""
    if resource.get("table_version"):
        endings = [ending for ending in ENDINGS if ending != "xlsx" or int(resource.get("rows") or 0) <= XLSX_ROWS]
        return [Download(NAMES[e], tk.h.url_for("kzopen_rows.current", uri=package["name"], ending=e)) for e in endings]
    dumps = (form for form in ("csv", "json"))
    return [Download(NAMES[f], tk.h.url_for("datastore.dump", resource_id=resource["id"], format=f)) for f in dumps]


def kz_versions(package: Mapping[str, Any], limit: int) -> list[Version]:
    """The newest versions of the table, newest first; `difference` counts what each changed."""
    return all_of(model.Session(), package["name"])[:limit]


def kz_keywords(package: Mapping[str, Any]) -> list[str]:
    """The keywords in the reader's language, else CKAN's tags."""
    translated = package.get("tags_translated") or {}
    words = translated.get(str(tk.h.lang())) if isinstance(translated, Mapping) else None
    return list(words or [tag["display_name"] for tag in package.get("tags", [])])


TABLE = (kz_table, kz_preview, kz_type, kz_cell, kz_downloads, kz_versions, kz_keywords)

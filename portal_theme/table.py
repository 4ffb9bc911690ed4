"""What the page of a data set says of its table: downloads, versions, licence, keywords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckanext.kzopen.rows.model import XLSX_ROWS, Version, all_of

NAMES = {"csv": "CSV", "xlsx": "Excel", "json": "JSON", "parquet": "Parquet"}
ENDINGS = tuple(NAMES)


@dataclass(frozen=True)
class Download:
    """One form in which the table can be taken."""

    format: str
    url: str


def kz_table(package: Mapping[str, Any]) -> dict[str, Any] | None:
    """The resource that holds the table of a data set, or None when it has none."""
    return next((resource for resource in package.get("resources", []) if resource.get("datastore_active")), None)


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


def kz_license(package: Mapping[str, Any]) -> str:
    """The licence's name in the reader's language: the index keeps it in the language of whoever wrote the data set."""
    known = model.Package.get_license_register().get(package.get("license_id") or "")
    return str(known.title if known else package.get("license_title") or tk._("License not specified"))


def kz_keywords(package: Mapping[str, Any]) -> list[str]:
    """The keywords in the reader's language, else CKAN's tags."""
    translated = package.get("tags_translated") or {}
    words = translated.get(str(tk.h.lang())) if isinstance(translated, Mapping) else None
    return list(words or [tag["display_name"] for tag in package.get("tags", [])])


TABLE = (kz_table, kz_downloads, kz_versions, kz_license, kz_keywords)

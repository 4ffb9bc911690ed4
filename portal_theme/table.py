"""What the page of a data set says of its table: downloads, versions, licence, keywords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckanext.kzopen.rows.described import schema_of
from ckanext.kzopen.rows.model import XLSX_ROWS, Version, all_of, latest
from ckanext.kzopen.rows.references import of_words, public_version

from portal_theme.reader import Translated, kz_title, language

NAMES = {"csv": "CSV", "xlsx": "Excel", "json": "JSON", "parquet": "Parquet"}
ENDINGS = tuple(NAMES)


@dataclass(frozen=True)
class Download:
    """One form in which the table can be taken."""

    format: str
    url: str


@dataclass(frozen=True)
class ReferenceTable:
    """The data set that tells what the codes of a column mean; `named` is whether they have names there."""

    name: str
    title: Translated
    named: bool


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


def kz_reference_tables(package: Mapping[str, Any]) -> dict[str, ReferenceTable]:
    """By column of the published table the reference table of its codes, where everybody may see it."""
    version = latest(model.Session(), package["name"])
    references = of_words(schema_of(model.Session(), version)) if version else []
    tables = {uri: _reference_table(uri) for uri in {reference.uri for reference in references}}
    return {one.columns[0]: table for one in references if (table := tables[one.uri]) is not None}


def _reference_table(uri: str) -> ReferenceTable | None:
    known = public_version(model.Session(), uri)
    if known is None:
        return None
    title = kz_title(tk.get_action("package_show")({}, {"id": known.package_id}))
    return ReferenceTable(uri, title, any(field["name"].startswith("name_") for field in known.schema["fields"]))


def kz_named_downloads(
    package: Mapping[str, Any], resource: Mapping[str, Any], tables: Mapping[str, ReferenceTable]
) -> list[Download]:
    """The downloads with the names of codes in the reader's language beside them; none when no code has a name."""
    if not any(table.named for table in tables.values()):
        return []
    found = (one for one in kz_downloads(package, resource) if one.format != NAMES["parquet"])
    return [Download(one.format, f"{one.url}?{urlencode({'labels': language()})}") for one in found]


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


TABLE = (kz_table, kz_downloads, kz_named_downloads, kz_reference_tables, kz_versions, kz_license, kz_keywords)

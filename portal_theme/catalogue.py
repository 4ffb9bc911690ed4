"""What templates ask of the portal: which pages it has, what is newest, who publishes, what a value is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib.search import SearchError
from flask import current_app, g
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from portal_theme.reader import Translated, kz_notes, kz_text, kz_title


def kz_has_page(path: str) -> bool:
    """Whether some plugin answers GET `path`: a link is shown only where it leads somewhere."""
    adapter = current_app.url_map.bind("")
    try:
        endpoint, _ = adapter.match(path, method="GET")
    except RequestRedirect:
        return True
    except (NotFound, MethodNotAllowed):
        return False
    return endpoint != "static"  # CKAN's rule for files takes every path


def kz_newest(limit: int) -> list[dict[str, Any]]:
    """The public data sets changed last; none while search is out of order."""
    query = {"rows": limit, "sort": "metadata_modified desc", "fq": '+capacity:"public"'}
    try:
        return tk.get_action("package_search")({}, query)["results"]
    except SearchError:
        return []


def kz_agency_count() -> int:
    """How many organisations the portal has."""
    return len(tk.get_action("organization_list")({}, {}))


def kz_agencies(limit: int) -> list[dict[str, Any]]:
    """The organisations with the most data sets, with `package_count`; those without any are left out."""
    query = {"all_fields": True, "sort": "package_count desc", "limit": limit}
    try:
        found = tk.get_action("organization_list")({}, query)
    except SearchError:
        return []
    return [agency for agency in found if agency["package_count"]]


@dataclass(frozen=True)
class Category:
    """A category of data sets: its value in the schema, its label for the reader, and how many data sets are in it."""

    name: str
    label: str
    count: int


def kz_categories() -> list[Category]:
    """The categories that have public data sets, by label; none while search is out of order."""
    field = "extras_category"
    query = {"rows": 0, "facet.field": [field], "facet.limit": -1, "fq": '+capacity:"public"'}
    try:
        counts = tk.get_action("package_search")({}, query)["facets"].get(field, {})
    except SearchError:
        return []
    found = [Category(name, kz_choice("category", name), count) for name, count in counts.items()]
    return sorted(found, key=lambda category: category.label)


def kz_pages(current: int, last: int) -> list[int | None]:
    """Numbers of pages to link: the first, the last and two on each side of the current one; None where some are left out."""
    shown = [page for page in range(1, last + 1) if page in (1, last) or abs(page - current) <= 2]
    pages: list[int | None] = []
    for before, page in pairwise([0, *shown]):
        pages += [page] if page - before == 1 else [None, page]
    return pages


def kz_page_url(number: int) -> str:
    """The address of another page of the list that is shown."""
    return str(tk.h.remove_url_param("page", replace=str(number)))


def translations(name: str) -> dict[str, Any]:
    """What an organisation has in several languages: CKAN keeps it as JSON in extras, and leaves it out of data sets' dicts.

    Asked once a request for each organisation.
    """
    known: dict[str, dict[str, Any]] = g.setdefault("kz_organisations", {})
    if name not in known:
        organisation = model.Group.get(name)
        extras = (organisation.extras or {}) if organisation else {}
        known[name] = {key: json.loads(value) for key, value in extras.items() if key.endswith("_translated")}
    return known[name]


def kz_agency(organization: Mapping[str, Any]) -> Translated:
    """The title of an organisation in the languages it has one in."""
    return kz_title({**organization, **translations(organization["name"])})


def kz_agency_notes(organization: Mapping[str, Any]) -> Translated:
    """The description of an organisation in the languages it has one in."""
    return kz_notes({**organization, **translations(organization["name"])})


def choices(field: str) -> list[dict[str, Any]]:
    """The values that the schema of data sets allows in a field, each with its label in the portal's languages."""
    schema = tk.h.scheming_get_dataset_schema("dataset") if "scheming_get_dataset_schema" in tk.h else None
    fields = (schema or {}).get("dataset_fields", [])
    return next((known.get("choices", []) for known in fields if known["field_name"] == field), [])


def kz_choice(field: str, value: str) -> str:
    """The label of a value of a data set's field in the reader's language; the value itself where the schema has none."""
    return next((kz_text(choice["label"]) for choice in choices(field) if choice["value"] == value), value)


def kz_facet_label(field: str, value: str, shown: str) -> str:
    """The label of a filter's value: an organisation's title, the schema's label, else what CKAN shows."""
    if field == "organization":
        return kz_text(kz_agency({"name": value, "title": shown}))
    label = kz_choice(field.removeprefix("extras_"), value)
    return shown if label == value else label


PORTAL = (
    kz_has_page,
    kz_newest,
    kz_agency_count,
    kz_agencies,
    kz_agency,
    kz_agency_notes,
    kz_categories,
    kz_pages,
    kz_page_url,
    kz_choice,
    kz_facet_label,
)

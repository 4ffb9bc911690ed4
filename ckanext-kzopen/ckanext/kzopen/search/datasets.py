"""Data sets as a section of the search: CKAN computes their documents, this says how their list is narrowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies import names
from ckanext.kzopen.search.registry import PACKAGE, AnySession, Filter, Label, Section, Stored
from sqlalchemy import select


def organisations(session: AnySession, addresses: Sequence[str]) -> Mapping[str, Label]:
    """The names of organisations by their name in addresses."""
    wanted = select(model.Group.id, model.Group.name, model.Group.title).where(model.Group.name.in_(addresses))
    rows = session.execute(wanted).all()
    known = names.names_of(session, [row.id for row in rows])
    return {row.name: known.get(row.id) or row.title or row.name for row in rows}


def _choices(field: str) -> Callable[[AnySession, Sequence[str]], Mapping[str, Label]]:
    """The labels that the schema of data sets has for the values of a field."""

    def labels(_session: AnySession, values: Sequence[str]) -> Mapping[str, Label]:
        fields: list[Mapping[str, Any]] = _schema().get("dataset_fields", [])
        known: list[Any] = next((one.get("choices", []) for one in fields if one["field_name"] == field), [])
        found = {choice["value"]: choice["label"] for choice in known}
        return {value: found.get(value, value) for value in values}

    return labels


def _schema() -> Mapping[str, Any]:
    if "scheming_get_dataset_schema" not in tk.h:
        return {}
    return tk.h.scheming_get_dataset_schema("dataset") or {}


def _page(stored: Stored) -> str:
    return f"/{stored.get('dataset_type') or 'dataset'}/{stored['name']}"


ORGANISATION = Filter("organization", "organization", {"kk": "Ұйым", "ru": "Организация", "en": "Organization"}, organisations)
SECTION = Section(
    PACKAGE,
    {"kk": "Деректер жиындары", "ru": "Наборы данных", "en": "Data sets"},
    page=_page,
    name="dataset",
    filters=(
        Filter("category", "extras_category", {"kk": "Санат", "ru": "Категория", "en": "Category"}, _choices("category")),
        ORGANISATION,
        Filter("format", "res_format", {"kk": "Пішім", "ru": "Формат", "en": "Format"}),
        Filter(
            "periodicity",
            "extras_periodicity",
            {"kk": "Жаңарту жиілігі", "ru": "Частота обновления", "en": "Update frequency"},
            _choices("periodicity"),
        ),
    ),
)

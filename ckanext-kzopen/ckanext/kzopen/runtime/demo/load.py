"""Loads the demonstration content, and removes it; both through the public interfaces only."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.runtime.demo import organisations, staff
from ckanext.kzopen.runtime.demo.api import Api
from ckanext.kzopen.runtime.demo.catalogue import TAG, DataSet, agencies, data_sets
from ckanext.kzopen.runtime.demo.loading import Advance, File, Item, Summary, bring_all, nobody

MARKS = {
    "facts": {
        "kk": "Демонстрациялық деректер жиыны: мәндер – жалпыға белгілі мәліметтер, ресми дереккөз емес.",
        "ru": "Демонстрационный набор данных: значения – общеизвестные сведения, это не официальный источник.",
        "en": "Demonstration data set: well-known facts, not an official source.",
    },
    "invented": {
        "kk": "Демонстрациялық деректер жиыны: барлық мәндер ойдан шығарылған.",
        "ru": "Демонстрационный набор данных: все значения вымышлены.",
        "en": "Demonstration data set: all figures are invented.",
    },
}
MARK_WORDS = {"kk": "демонстрация", "ru": "демонстрация", "en": TAG}
LICENCE = "cc-zero"


def load_demo(base_url: str, token: str, advance: Advance = nobody) -> Summary:
    """Bring the demonstration agencies and data sets to the portal at `base_url`; `advance` is told of each data set.

    Doing it again changes nothing. Raises Refused when the portal does not answer or refuses an agency.
    """
    with Api(base_url, token) as api:
        organisations.ensure_all(api, map(organisations.of_agency, agencies()))
        staff.join_agency(api)
        return bring_all(api, map(item_of, data_sets()), advance)


def item_of(data_set: DataSet) -> Item:
    """The data set as the universal API takes it."""
    return Item(data_set.uri, passport_of(data_set), File(data_set.table.name, data_set.table.read_bytes()))


def passport_of(data_set: DataSet) -> dict[str, Any]:
    """The passport, marked: a sentence before the description, a keyword in each language, and so the tag `demo`."""
    office = next(agency.responsible for agency in agencies() if agency.name == data_set.owner)
    mark = MARKS[data_set.figures]
    described = data_set.description.given()
    keywords: dict[str, list[str]] = {language: list(words) for language, words in data_set.keywords.items()}
    return {
        "title": data_set.title.given(),
        "description": {language: f"{mark[language]}\n\n{text}" for language, text in described.items()},
        "owner": data_set.owner,
        "responsible": {"name": {"kk": office.kk, "ru": office.ru, "en": office.en or ""}, "email": office.email},
        "category": data_set.category,
        "periodicity": data_set.periodicity,
        "keywords": {language: [*keywords.get(language, []), word] for language, word in MARK_WORDS.items()},
        "license": LICENCE,
        "schema": data_set.table_schema(),
    }


def is_empty(base_url: str, token: str) -> bool:
    """Whether the portal has neither a public data set nor an organisation; asks the database, not the index."""
    with Api(base_url, token) as api:
        return not api.action("package_list", limit=1) and not api.action("organization_list", limit=1)

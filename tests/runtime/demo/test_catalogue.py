"""The demonstration content is complete, marked, in two languages, and each table is what its schema says."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest
from ckanext.kzopen.runtime.demo import catalogue
from frictionless import Resource, Schema

KILOBYTE = 1000
ALL = catalogue.data_sets()
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
KAZAKH_ONLY = set("әғқңөұүһі")

by_uri = pytest.mark.parametrize("data_set", ALL, ids=lambda d: d.uri)
by_agency = pytest.mark.parametrize("agency", catalogue.agencies(), ids=lambda a: a.name)


def test_there_are_six_agencies_one_of_each_kind():
    kinds = [agency.kind for agency in catalogue.agencies()]
    assert kinds == ["ministry", "committee", "region", "district", "city", "company"]


def test_there_are_forty_data_sets_and_each_agency_owns_some():
    assert Counter(d.owner for d in ALL) == {
        "demo-ministry": 7,
        "demo-geography": 8,
        "demo-sarydala": 8,
        "demo-kolbulak": 6,
        "demo-altynkala": 6,
        "demo-szh": 5,
    }


def test_all_content_is_small():
    files = [path for path in catalogue.FOLDER.rglob("*") if path.is_file()]
    assert max(path.stat().st_size for path in files) < 200 * KILOBYTE
    assert sum(path.stat().st_size for path in files) < 1500 * KILOBYTE


def test_every_table_file_belongs_to_a_data_set():
    assert {p.stem for p in (catalogue.FOLDER / "tables").iterdir()} == {d.uri for d in ALL}
    assert len({d.uri for d in ALL}) == 40


@by_agency
def test_an_agency_is_marked_as_demonstration_in_each_language(agency: catalogue.Agency):
    assert agency.title.kk.endswith("(демонстрация)")
    assert agency.title.ru.endswith("(демонстрация)")
    assert agency.title.en is not None
    assert agency.title.en.endswith("(demonstration)")


@by_agency
def test_a_parent_comes_before_its_child(agency: catalogue.Agency):
    names = [a.name for a in catalogue.agencies()]
    assert agency.parent is None or names.index(agency.parent) < names.index(agency.name)


@by_uri
def test_title_and_description_are_in_kazakh_and_in_russian(data_set: catalogue.DataSet):
    for words in (data_set.title, data_set.description):
        assert words.kk != words.ru
        assert KAZAKH_ONLY & set(words.kk.lower())
        assert not KAZAKH_ONLY & set(words.ru.lower())


def test_some_data_sets_are_in_english_too():
    english = [d for d in ALL if d.title.en]
    assert len(english) >= 1
    for data_set in english:
        assert data_set.title.en not in (data_set.title.kk, data_set.title.ru)
        assert not CYRILLIC.search(data_set.title.en)
        assert data_set.description.en


@by_uri
def test_keywords_are_in_kazakh_and_in_russian(data_set: catalogue.DataSet):
    assert len(data_set.keywords["kk"]) >= 3
    assert len(data_set.keywords["ru"]) == len(data_set.keywords["kk"])


@by_uri
def test_the_owner_is_one_of_the_agencies(data_set: catalogue.DataSet):
    assert data_set.owner in {agency.name for agency in catalogue.agencies()}


@by_uri
def test_the_table_is_what_its_schema_says(data_set: catalogue.DataSet):
    schema = Schema.from_descriptor(data_set.table_schema())
    report = Resource(path=data_set.table.name, basepath=str(data_set.table.parent), schema=schema).validate()
    assert report.flatten(["rowNumber", "fieldName", "type", "note"]) == []
    assert report.valid


@by_uri
def test_the_table_has_fifteen_to_five_hundred_rows(data_set: catalogue.DataSet):
    with data_set.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert 15 <= len(rows) - 1 <= 500


@by_uri
def test_no_cell_has_blanks_around_it(data_set: catalogue.DataSet):
    with data_set.table.open(encoding="utf-8", newline="") as file:
        assert [cell for row in csv.reader(file) for cell in row if cell != cell.strip()] == []


def test_stops_of_routes_are_known_stops():
    def column(uri: str, name: str) -> set[str]:
        with (catalogue.FOLDER / "tables" / f"{uri}.csv").open(encoding="utf-8", newline="") as file:
            return {row[name] for row in csv.DictReader(file)}

    stops = column("demo-altynkala-bus-stops", "code")
    assert column("demo-szh-bus-routes", "first_stop") | column("demo-szh-bus-routes", "last_stop") <= stops
    assert column("demo-szh-passengers", "route") <= column("demo-szh-bus-routes", "route")

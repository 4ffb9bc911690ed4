"""Classifiers and the address register as reference tables: hierarchy and validity are checked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.reference import Entry, checked, day

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Handler, send

REGIONS = [
    {"code": "10", "name_ru": "Абайская область", "name_kk": "Абай облысы", "valid_from": "2022-06-08"},
    {"code": "1010", "parent": "10", "name_ru": "Семей", "name_kk": "Семей", "valid_from": "08.06.2022"},
    {"code": "71", "name_ru": "Нур-Султан", "name_kk": "Нұр-Сұлтан", "valid_from": "20190323", "valid_until": "2022-09-16"},
    {"code": "71", "name_ru": "Астана", "name_kk": "Астана", "valid_from": "2022-09-17"},
]
UNITS = [
    {
        "id": 1,
        "rco": "0123456789012345",
        "name_rus": "Область",
        "name_kaz": "Облыс",
        "actual": "true",
        "modified": "2026-01-05",
        "cato": "10",
    },
    {
        "id": 2,
        "rco": "0123456789012346",
        "parent_id": 1,
        "name_rus": "Район",
        "name_kaz": "Аудан",
        "actual": "true",
        "modified": "2026-01-04",
    },
    {
        "id": 3,
        "rco": "0123456789012347",
        "parent_id": 2,
        "name_rus": "Село",
        "name_kaz": "Ауыл",
        "actual": "false",
        "modified": "2026-01-03",
    },
]


def registry(catalogue: Catalogue, classifiers: dict[str, Any]) -> None:
    def listed(handler: Handler) -> None:
        parts = urlsplit(handler.path)
        if parts.path == "/ensi":
            told = [{"code": code, "version": one["version"], "name_ru": one["name_ru"]} for code, one in classifiers.items()]
        else:
            values = {name: int(found[0]) for name, found in parse_qs(parts.query).items()}
            told = classifiers[parts.path.split("/")[2]]["entries"][values["offset"] : values["offset"] + values["limit"]]
        send(handler, 200, json.dumps(told).encode(), "application/json")

    catalogue.instead["/ensi"] = listed


def test_a_classifier_is_a_table_with_a_row_for_each_span(harvest: Harvest, catalogue: Catalogue) -> None:
    classifiers = {"regions": {"version": "1", "name_ru": "Регионы", "entries": REGIONS}}
    registry(catalogue, classifiers)
    harvest.ready("ensi", {"address": f"{catalogue.url}/ensi", "page": 3})
    run = harvest.run()
    assert counts(run)["added"] == 1
    rows = harvest.rows(harvest.items(run)[0])
    assert [row[:4] + row[5:7] for row in rows[1:]] == [
        ["10", "", "Абай облысы", "Абайская область", "2022-06-08", ""],
        ["1010", "10", "Семей", "Семей", "2022-06-08", ""],
        ["71", "", "Нұр-Сұлтан", "Нур-Султан", "2019-03-23", "2022-09-16"],
        ["71", "", "Астана", "Астана", "2022-09-17", ""],
    ]
    assert counts(harvest.run())["unchanged"] == 1
    classifiers["regions"] |= {
        "version": "2",
        "entries": [*REGIONS, {"code": "79", "name_ru": "Шымкент", "valid_from": "2018-06-19"}],
    }
    assert counts(harvest.run())["changed"] == 1


def test_the_address_register_is_a_hierarchy_of_units(harvest: Harvest, catalogue: Catalogue) -> None:
    units = list(UNITS)

    def rows(handler: Handler) -> None:
        query = json.loads(parse_qs(urlsplit(handler.path).query)["source"][0])
        found = units[query.get("from", 0) :][: query["size"]]
        send(handler, 200, json.dumps(found).encode(), "application/json")

    catalogue.instead["/api/v4/s_ats/data"] = rows
    harvest.ready("address_register", {"address": catalogue.url, "rows": 2})
    run = harvest.run()
    told = harvest.rows(harvest.items(run)[0])
    assert [(row[0][-4:], row[1][-4:], row[3], row[6], row[7]) for row in told[1:]] == [
        ("2345", "", "Область", "", "10"),
        ("2346", "2345", "Район", "", ""),
        ("2347", "2346", "Село", "2026-01-03", ""),
    ]
    assert counts(harvest.run())["unchanged"] == 1
    units.pop()  # nothing that is left was changed
    run = harvest.run()
    assert counts(run)["changed"] == 1
    assert len(harvest.rows(harvest.items(run)[0])) == 3


@pytest.mark.parametrize(
    "entries",
    [
        [Entry("1", parent="2", name_ru="a")],
        [Entry("1", parent="2", name_ru="a"), Entry("2", parent="1", name_ru="b")],
        [Entry("1", name_ru="a", valid_from="2020-01-01"), Entry("1", name_ru="b", valid_from="2021-01-01")],
        [Entry("1", name_ru="a", valid_from="2020-01-02", valid_until="2020-01-01")],
        [Entry("1")],
        [Entry("", name_ru="a")],
    ],
    ids=["no parent", "circle", "overlap", "ends before", "no name", "no code"],
)
def test_a_classifier_that_is_no_hierarchy_is_refused(entries: list[Entry]) -> None:
    with pytest.raises(KzError) as refused:
        list(checked(entries))
    assert refused.value.code == "harvest.odd_item"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2022-09-17", "2022-09-17"),
        ("17.09.2022", "2022-09-17"),
        ("20220917", "2022-09-17"),
        ("2016-03-29+06:00", "2016-03-29"),
        ("", ""),
    ],
)
def test_days_are_read_in_the_notations_of_registers(text: str, iso: str) -> None:
    assert day(text) == iso

"""Real files of the corpus on their whole way, and wrong ones that must not harm what is published."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import Agency, Answer, Api, passport

pytestmark = pytest.mark.corpus

WHOLE = ("id", "level")
YES_NO = ("isLeaf", "loaded", "expanded")
TEXT = ("code", "name", "month")
MONEY = ["utv", "utch", "plg", "plgp", "plgo", "sumrg", "obz", "obzsumrg", "plgpsumrg", "plgsumrg"]
BUDGET = ["id", "code", "name", *MONEY, "level", "isLeaf", "loaded", "expanded", "month"]


def budget_field(name: str) -> Answer:
    if name in YES_NO:
        return {"name": name, "type": "boolean", "trueValues": ["True"], "falseValues": ["False"]}
    return {"name": name, "type": "string" if name in TEXT else "integer" if name in WHOLE else "number"}


BINS = [
    {"name": "bin", "type": "string", "constraints": {"required": True, "unique": True, "pattern": "[0-9]{12}"}},
    {"name": "reg_year_month", "type": "string"},
    {"name": "digit5", "type": "integer"},
    {"name": "digit6", "type": "integer"},
]
PROVIDERS = [
    {"name": "number", "type": "integer", "title": "№"},
    {"name": "bin", "type": "string", "title": "БИН/ИИН", "constraints": {"pattern": "[0-9]{12}"}},
    {"name": "name", "type": "string", "title": "Наименование субъекта"},
    {"name": "contract", "title": "Долгосрочный договор", "constraints": {"enum": ["Да", "Нет"]}},
    {"name": "address", "type": "string", "title": "Юридический адрес"},
    {"name": "ownership", "type": "string", "title": "Форма собственности"},
    {"name": "region", "type": "string", "title": "Регион оказания услуг"},
    {"name": "included", "type": "datetime", "title": "Дата включения в БД", "format": "%Y-%m-%d %H:%M:%S"},
]
SUBSIDIES = [
    {"name": "column", "type": "integer", "title": "?column?"},
    {"name": "amount", "type": "number"},
    {"name": "cat_id", "type": "string"},
    {"name": "doc_at", "type": "datetime", "format": "%d.%m.%Y %H:%M:%S"},
    {"name": "docnum", "type": "string"},
    {"name": "region_id", "type": "string"},
    {"name": "stat_id", "type": "string"},
]
REAL = [
    pytest.param(
        "budgets/РБ_функц_классификация.csv", list(map(budget_field, BUDGET)), ["id", "month"], 459, ("code", "0"), id="budget"
    ),
    pytest.param("catalogue/datasets/gbd_ul_bins_100k.csv", BINS, ["bin"], 100_000, ("bin", "000140000012"), id="bins"),
    pytest.param(
        "catalogue/datasets/fms_health_providers.csv", PROVIDERS, ["number"], 4079, ("bin", "111040004730"), id="providers"
    ),
    pytest.param(
        "catalogue/datasets/gosagro_subsidy_applications_15k.csv",
        SUBSIDIES,
        ["docnum"],
        15_000,
        ("docnum", "2023-15-03-507037"),
        id="subsidies",
    ),
]


@pytest.mark.parametrize(("path", "fields", "key", "rows", "first"), REAL)
def test_a_real_file_is_published_and_read_back(
    app: CKANTestApp,
    api: Api,
    agency: Agency,
    corpus: Path,
    path: str,
    fields: list[Any],
    key: list[str],
    rows: int,
    first: tuple[str, str],
) -> None:
    name = f"real-{uuid4().hex[:10]}"
    assert api.put(name, passport(agency.name, fields, key)).status_code == 201

    delivery = api.delivery(name, (corpus / path).read_bytes())

    assert (delivery["state"], delivery["rows"], delivery["wrong"]) == ("accepted", rows, 0)
    resource = app.get(f"/api/3/action/package_show?id={name}").json["result"]["resources"][0]
    found = app.get(f"/api/3/action/datastore_search?resource_id={resource['id']}&limit=1").json["result"]
    assert (found["total"], found["records"][0][first[0]]) == (rows, first[1])
    table = list(csv.reader(io.StringIO(app.get(f"/data/{name}.csv?raw=1").data.decode())))
    assert (len(table) - 1, table[0]) == (rows, [field["name"] for field in fields])


PEOPLE = [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "age", "type": "integer"}]
GOOD = b"id,name,age\n1101,John,30\n1102,Julie,26\n"
BAD = [
    ("frictionless/schema-errors.csv", {"type-error": 1, "extra-cell": 3}),
    ("frictionless/structure-errors.csv", {"blank-row": 1, "extra-cell": 3}),
    ("frictionless/invalid.csv", {"blank-label": 1, "extra-label": 1, "missing-cell": 4, "blank-row": 1, "extra-cell": 1}),
    ("frictionless/blank-rows.csv", {"blank-row": 1}),
    ("frictionless/duplicate-headers.csv", {"duplicate-label": 1, "extra-label": 2}),
    ("frictionless/blank-headers.csv", {"blank-label": 1}),
    ("frictionless/defective-rows.csv", {"missing-cell": 1, "extra-cell": 1}),
    ("frictionless/without-rows.csv", {"missing-label": 1}),
    ("messytables/small.csv", {"missing-label": 3, "extra-label": 1}),
    ("frictionless/table-multiple-files.zip", {"compression-error": 1}),
    ("messytables/badcolspan.html", {"format-error": 1}),
    ("messytables/encrypted_no_password.xls", {"format-error": 1}),
]


@pytest.fixture
def people(api: Api, agency: Agency) -> str:
    """A data set of people with version 1."""
    name = f"people-{uuid4().hex[:10]}"
    api.put(name, passport(agency.name, PEOPLE, []))
    assert api.delivery(name, GOOD)["state"] == "accepted"
    return name


@pytest.mark.parametrize(("path", "counts"), BAD, ids=[path for path, _ in BAD])
def test_a_wrong_file_is_refused_in_three_languages_and_version_1_stays(
    app: CKANTestApp, api: Api, people: str, corpus: Path, path: str, counts: dict[str, int]
) -> None:
    refused = api.delivery(people, (corpus / "files_bad" / path).read_bytes())

    assert refused["state"] == "refused"
    reports = {}
    for language in ("kk", "ru", "en"):
        api.language = language
        reports[language] = api.get(f"/deliveries/{refused['id']}/report").json
    assert reports["kk"]["counts"] == counts
    sentences = {language: [found["sentence"] for found in report["findings"]] for language, report in reports.items()}
    assert len(sentences["kk"]) == sum(counts.values())
    assert all(set(sentences[one]).isdisjoint(sentences[other]) for one, other in (("kk", "ru"), ("ru", "en"), ("kk", "en")))
    assert app.get(f"/data/{people}.csv?raw=1").data.decode().count("\n") == 3
    assert api.get(f"/datasets/{people}").json["version"]["number"] == 1

"""Columns that are taken from a file keep its notation, so that the portal accepts that very file."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing import forms, proposal, staff, workbooks
from ckanext.kzopen.publishing.forms import values_of

from tests.publishing.conftest import Agency, Api, passport
from tests.publishing.test_staff_pages import Browser, page, settled_page, upload

FILE = "Нөмірі;Сомасы;Күні;Бар ма\n1;1500000,50;01.03.2024;иә\n2;700,25;15.12.2024;жоқ\n3;12,5;31.01.2025;иә\n".encode()
WRITTEN = {
    "somasy": {"type": "number", "decimalChar": ","},
    "kuni": {"type": "date", "format": "%d.%m.%Y"},
    "bar_ma": {"type": "boolean", "trueValues": ["иә"], "falseValues": ["жоқ"]},
}


@pytest.fixture(name="staff")
def _staff(app: CKANTestApp, agency: Agency) -> Browser:
    return Browser(app, agency.user)


def sent_by(soup: BeautifulSoup) -> dict[str, str]:
    """What a browser sends of the columns as they stand on the page."""
    boxes = soup.select('input[name^="columns."]')
    sent = {
        str(box["name"]): str(box.get("value") or "")
        for box in boxes
        if box.get("type") != "checkbox" or box.has_attr("checked")
    }
    chosen = soup.select('select[name^="columns."] option[selected]')
    return sent | {str(option.find_parent("select")["name"]): str(option["value"]) for option in chosen}  # type: ignore[index]


def taken(staff: Browser, agency: Agency, address: str = "/kk/staff/datasets/new", body: bytes = FILE) -> dict[str, str]:
    """The inputs of the columns that the portal takes from a file."""
    values = {"owner": agency.name, "take": "1", "sample": (io.BytesIO(body), "table.csv")}
    return sent_by(page(staff.post(address, data=values)))


def facts(agency: Agency) -> dict[str, str]:
    """The form of a passport without its columns."""
    return {name: text for name, text in values_of(passport(agency.name)).items() if not name.startswith("columns.")}


@pytest.fixture
def described(staff: Browser, agency: Agency) -> str:
    """A data set whose columns were taken from FILE."""
    name = f"taken-{uuid4().hex[:8]}"
    answer = staff.post("/staff/datasets/new", data=facts(agency) | taken(staff, agency) | {"uri": name, "save": "1"})
    assert answer.status_code == 302, answer.data
    return name


def written(api: Api, name: str) -> dict[str, Any]:
    """The columns with a notation of their own, without their titles."""
    fields = api.get(f"/datasets/{name}").json["schema"]["fields"]
    return {
        field["name"]: {k: v for k, v in field.items() if k not in ("name", "title_translated")}
        for field in fields
        if field["name"] in WRITTEN
    }


def test_the_file_that_the_columns_were_taken_from_is_accepted(staff: Browser, api: Api, described: str) -> None:
    assert written(api, described) == WRITTEN

    soup = settled_page(staff, upload(staff, described, FILE))

    assert soup.select_one(".state-awaiting_approval") is not None, soup.get_text()[:3000]
    delivery = api.delivery(described, FILE)
    assert delivery["state"] == "accepted", delivery


def test_the_template_offers_the_columns_own_words_and_is_understood(staff: Browser, described: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(staff.get(f"/kk/staff/datasets/{described}/template.xlsx").data))
    lists = book["Тізімдер"]
    assert [cell.value for cell in lists["A"]] == ["иә", "жоқ"]

    sheet = book.worksheets[0]
    for place, value in enumerate((1, 1250.75, date(2026, 1, 31), "жоқ"), start=1):
        sheet.cell(2, place).value = value
    target = io.BytesIO()
    book.save(target)
    soup = settled_page(staff, upload(staff, described, target.getvalue()))

    assert soup.select_one(".state-awaiting_approval") is not None, soup.get_text()[:3000]


def test_saving_the_form_again_and_renaming_keep_the_notation(
    staff: Browser, api: Api, agency: Agency, described: str
) -> None:
    values = sent_by(page(staff.get(f"/kk/staff/datasets/{described}/edit")))
    place = next(name.removesuffix(".name") for name, text in values.items() if text == "somasy")

    staff.post(f"/staff/datasets/{described}/edit", data=facts(agency) | values | {f"{place}.name": "sum", "save": "1"})

    expected = {field["name"]: field for field in api.get(f"/datasets/{described}").json["schema"]["fields"]}
    assert expected["sum"]["decimalChar"] == ","
    assert expected["kuni"]["format"] == "%d.%m.%Y"
    assert expected["bar_ma"]["falseValues"] == ["жоқ"]


def test_a_new_sample_in_the_plain_notation_replaces_the_old_one(
    staff: Browser, api: Api, agency: Agency, described: str
) -> None:
    plain = FILE.replace(b",", b".").replace(b"01.03.2024", b"2024-03-01")
    plain = plain.replace(b"15.12.2024", b"2024-12-15").replace(b"31.01.2025", b"2025-01-31")
    values = taken(staff, agency, f"/kk/staff/datasets/{described}/edit", plain)

    staff.post(f"/staff/datasets/{described}/edit", data=facts(agency) | values | {"save": "1"})

    assert written(api, described) == WRITTEN | {"somasy": {"type": "number"}, "kuni": {"type": "date"}}


def test_a_type_that_the_form_does_not_offer_stays(staff: Browser, api: Api, agency: Agency) -> None:
    name, fields = f"odd-{uuid4().hex[:8]}", [{"name": "what", "type": "object"}, {"name": "month", "type": "yearmonth"}]
    assert api.put(name, passport(agency.name, fields, [])).status_code == 201

    values = sent_by(page(staff.get(f"/kk/staff/datasets/{name}/edit")))
    staff.post(f"/staff/datasets/{name}/edit", data=facts(agency) | values | {"save": "1"})

    assert api.get(f"/datasets/{name}").json["schema"]["fields"] == fields


def test_a_notation_goes_with_its_type_and_nothing_else_comes_in_by_it() -> None:
    hidden = {"type": "number", "decimalChar": ",", "publicBy": "art. 1", "constraints": {"minimum": 5}}
    values = {"columns.0.name": "sum", "columns.0.type": "number", "columns.0.notation": json.dumps(hidden)}

    assert forms.described(values)["schema"]["fields"] == [{"name": "sum", "type": "number", "decimalChar": ","}]
    assert forms.described(values | {"columns.0.type": "string"})["schema"]["fields"] == [{"name": "sum", "type": "string"}]


@pytest.mark.parametrize("broken", ["{", "[]", "7", "[" * 100_000])
def test_a_broken_notation_is_none(broken: str) -> None:
    values = {"columns.0.name": "sum", "columns.0.type": "number", "columns.0.notation": broken}

    assert forms.described(values)["schema"]["fields"] == [{"name": "sum", "type": "number"}]


def test_a_column_in_several_notations_stays_plain(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Сомасы;Күні\n1 250,5;31.01.2026\n7.25;2026-02-01\n", encoding="utf-8")

    assert [sorted(field) for field in proposal.proposed(path, with_notation=True)["fields"]] == [
        ["name", "title_translated", "type"]
    ] * 2


def test_later_files_in_other_notations_are_still_mended(tmp_path: Path) -> None:
    from ckanext.kzopen.validation.check import check_file

    sample, later = tmp_path / "sample.csv", tmp_path / "later.csv"
    sample.write_text("Сомасы;Күні\n1250,5;31.01.2026\n12000;01.02.2026\n", encoding="utf-8")
    later.write_text("Сомасы;Күні\n1 250,75 ₸;2026-01-31\n12 000;3 ақпан 2026 ж.\n0.5;2026/02/01\n", encoding="utf-8")
    schema = proposal.proposed(sample, with_notation=True)
    offered = {repair.key for repair in check_file(later, schema, suggest=True).report.repairs}

    mended = check_file(later, schema, accepted=offered)

    assert mended.table is not None, mended.report
    assert mended.table["somasy"].to_pylist() == [1250.75, 12000, 0.5]
    assert mended.table["kuni"].to_pylist() == [date(2026, 1, 31), date(2026, 2, 3), date(2026, 2, 1)]


def test_an_example_is_written_as_the_column_is() -> None:
    field = {"name": "at", "type": "time", "format": "%H:%M"}

    assert workbooks.example_of(field) == "14:30"
    assert "14:30" in workbooks.hint(field, staff.TYPES, "kk")

"""What becomes of a published table whose columns change: further ones go on, others wait for a person."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.mail import rendered, sample
from ckanext.kzopen.core.outbox import Message
from ckanext.kzopen.publishing import notices as telling
from ckanext.kzopen.publishing.compatibility import Columns, compared
from sqlalchemy import text

from tests.publishing.conftest import SCHOOLS, Agency, Api, passport
from tests.publishing.test_decisions import act, colleague, decided

RELEASED = text("SELECT id, topic, key, payload, created FROM kzopen.outbox WHERE topic = 'delivery.release' AND key = :key")
BIN = {"name": "bin", "type": "string"}
NAME = {"name": "name", "type": "string"}
PUPILS = {"name": "pupils", "type": "integer"}
PHONE = {"name": "office", "type": "string"}


@pytest.fixture
def published(api: Api, uri: str, agency: Agency) -> str:
    """A table of three columns, version 1."""
    assert api.put(uri, passport(agency.name, [BIN, NAME, PUPILS], ["bin"])).status_code in (200, 201)
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    return uri


def with_columns(api: Api, agency: Agency, uri: str, *fields: dict[str, Any]) -> None:
    answer = api.put(uri, passport(agency.name, list(fields), ["bin"]))
    assert answer.status_code == 200, answer.json


def rows_of(app: CKANTestApp, uri: str, version: str = "") -> list[str]:
    """The rows that readers get, header first, cells between commas."""
    said = app.get(f"/data/{uri}{version}.csv?raw=1").get_data(as_text=True)
    return [",".join(row) for row in csv.reader(io.StringIO(said))]


@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_a_further_column_makes_a_new_version_and_old_rows_leave_it_empty(
    app: CKANTestApp, api: Api, agency: Agency, published: str, mode: str
) -> None:
    with_columns(api, agency, published, BIN, NAME, PHONE, PUPILS)

    told = api.delivery(published, "bin,name,office,pupils\n990240000415,Лицей,12-б,7\n".encode(), f"?mode={mode}")

    assert (told["state"], told["version"]["number"]) == ("accepted", 2), told
    assert rows_of(app, published) == [
        "bin,name,office,pupils",
        "000140000012,№1 мектеп,,640",
        "000140000092,Гимназия,,1210",
        "000140000220,Лицей,,305",
        "990240000415,Лицей,12-б,7",
    ]
    assert rows_of(app, published, "/v1") == SCHOOLS.decode().splitlines()


def test_a_whole_table_with_a_further_column_is_published_at_once(
    app: CKANTestApp, api: Api, agency: Agency, published: str
) -> None:
    with_columns(api, agency, published, BIN, NAME, PUPILS, PHONE)
    wider = "bin,name,pupils,office\n000140000012,№1 мектеп,640,1\n000140000092,Гимназия,1210,2\n"

    assert api.delivery(published, wider.encode())["state"] == "accepted"
    assert rows_of(app, published) == wider.splitlines()


def test_rows_can_be_deleted_after_a_column_came(app: CKANTestApp, api: Api, agency: Agency, published: str) -> None:
    with_columns(api, agency, published, BIN, NAME, PUPILS, PHONE)

    assert api.delivery(published, b"bin\n000140000012\n", "?mode=delete")["state"] == "accepted"

    assert rows_of(app, published) == ["bin,name,pupils,office", "000140000092,Гимназия,1210,", "000140000220,Лицей,305,"]


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ((BIN, NAME), b"bin,name\n"),
        ((BIN, NAME, PUPILS | {"type": "string"}), b"bin,name,pupils\n"),
        ((BIN, NAME, PUPILS, PHONE | {"constraints": {"required": True}}), b"bin,name,pupils,office\n"),
    ],
    ids=["gone", "retyped", "may not be empty"],
)
def test_rows_are_not_added_to_a_table_that_their_columns_do_not_fit(
    app: CKANTestApp, api: Api, agency: Agency, published: str, fields: Any, header: bytes
) -> None:
    before = rows_of(app, published)
    with_columns(api, agency, published, *fields)

    line = ",".join(["990240000415", "Лицей", "7", "12-б"][: len(fields)]) + "\n"
    told = api.delivery(published, header + line.encode(), "?mode=upsert")

    assert told["state"] == "refused"
    (finding,) = api.get(f"/deliveries/{told['id']}/report").json["findings"]
    assert (finding["code"], finding["reason"]) == ("schema-error", "other-columns")
    assert rows_of(app, published) == before


def test_a_column_of_another_type_waits_for_a_person_and_followers_are_told(
    app: CKANTestApp, api: Api, agency: Agency, published: str
) -> None:
    with_columns(api, agency, published, BIN, NAME, PUPILS | {"type": "string"})

    waiting = api.delivery(published, SCHOOLS)

    assert waiting["state"] == "quarantined"
    assert [(stop["kind"], stop["params"]) for stop in waiting["stops"]] == [("retyped", {"columns": ["pupils"]})]
    assert api.get(f"/datasets/{published}").json["version"]["number"] == 1
    approver = colleague(app, agency, "approver")
    done = decided(approver, act(approver, waiting["id"], "release", "Сандар мәтін болды"))
    assert (done["state"], done["version"]["number"]) == ("accepted", 2)
    values = told_to_followers(waiting["id"])
    assert (values["added"], values["gone"], values["retyped"]) == ("", "", "pupils")


def test_a_replacement_that_lost_a_column_waits_for_a_person_and_followers_are_told(
    app: CKANTestApp, api: Api, agency: Agency, published: str
) -> None:
    with_columns(api, agency, published, BIN, NAME)
    without = "\n".join(line.rpartition(",")[0] for line in SCHOOLS.decode().splitlines()) + "\n"

    waiting = api.delivery(published, without.encode())

    assert waiting["state"] == "quarantined"
    assert [(stop["kind"], stop["params"]) for stop in waiting["stops"]] == [("columns", {"columns": ["pupils"]})]
    assert rows_of(app, published) == SCHOOLS.decode().splitlines()
    approver = colleague(app, agency, "approver")
    assert decided(approver, act(approver, waiting["id"], "release", "Оқушылар саны енді жиналмайды"))["state"] == "accepted"
    assert (rows_of(app, published), rows_of(app, published, "/v1")) == (without.splitlines(), SCHOOLS.decode().splitlines())
    values = told_to_followers(waiting["id"])
    assert (values["added"], values["gone"], values["retyped"]) == ("", "pupils", "")


def test_a_replacement_that_lost_a_column_of_its_passport_is_refused(app: CKANTestApp, api: Api, published: str) -> None:
    without = "\n".join(line.rpartition(",")[0] for line in SCHOOLS.decode().splitlines()) + "\n"

    told = api.delivery(published, without.encode())

    assert told["state"] == "refused"
    (finding, *_) = api.get(f"/deliveries/{told['id']}/report").json["findings"]
    assert (finding["code"], finding["field"]) == ("missing-label", "pupils")
    assert rows_of(app, published) == SCHOOLS.decode().splitlines()


def told_to_followers(delivery: str) -> dict[str, Any]:
    """What is told of the message that stands in the outbox since the delivery was released."""
    row = model.Session.execute(RELEASED, {"key": delivery}).one()
    tellings = telling.told(model.Session, Message(row.id, row.topic, row.key, row.payload, row.created))
    (of_version,) = [told for told in tellings if told.kind == "dataset.version"]
    return dict(of_version.values)


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("kk", "Түрі өзгерген бағандар: pupils."),
        ("ru", "Столбцы другого типа: pupils."),
        ("en", "Columns of another type: pupils."),
    ],
)
def test_the_letter_names_the_columns_in_the_readers_language(language: str, line: str) -> None:
    values = sample("dataset.version") | {"added": "", "retyped": "pupils"}
    lines = rendered("dataset.version", language, values).text.splitlines()
    assert line in lines
    assert len([found for found in lines if found]) == 3


def test_columns_are_compared_by_name_and_type() -> None:
    old = {"fields": [BIN, NAME, PUPILS]}
    assert compared(old, old) == Columns()
    assert compared(old, {"fields": [PUPILS | {"type": "number"}, NAME, BIN]}) == Columns()
    assert compared(old, {"fields": [BIN, PUPILS | {"type": "string"}, PHONE]}) == Columns(("office",), ("name",), ("pupils",))


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_news_that_waited_since_before_columns_were_told_can_still_be_sent(language: str) -> None:
    values = {name: value for name, value in sample("dataset.version").items() if name not in ("added", "gone", "retyped")}

    assert rendered("dataset.version", language, values).text

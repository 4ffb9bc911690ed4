"""Rows on their way: received, checked, accepted as a version, refused without harm."""

from __future__ import annotations

import csv
import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ckan.plugins.toolkit as tk
import openpyxl
import polars as pl
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.record import erase, events
from ckanext.kzopen.core.record.tables import Leaf
from sqlalchemy import event, select

from tests.publishing.conftest import PATIENCE, SCHOOLS, Api

CHANGED = "bin,name,pupils\n000140000012,№1 мектеп,655\n000140000220,Лицей,305\n000140000316,Колледж,90\n".encode()
BAD = "bin,name,pupils\n140000012,№1 мектеп,640\n000140000092,,шестьсот\n".encode()


def table(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode())))


def table_at(app: CKANTestApp, path: str) -> list[list[str]]:
    """A CSV of the portal for programs (`raw`), without what is added for spreadsheets."""
    return table(app.get(f"{path}?raw=1").data)


def rows_in_datastore(app: CKANTestApp, uri: str) -> list[dict[str, object]]:
    package = app.get(f"/api/3/action/package_show?id={uri}").json["result"]
    found = app.get(f"/api/3/action/datastore_search?resource_id={package['resources'][0]['id']}").json["result"]
    return [{name: value for name, value in row.items() if name != "_id"} for row in found["records"]]


def test_rows_become_version_1_and_can_be_read_everywhere(app: CKANTestApp, api: Api, anyone: Api, uri: str) -> None:
    delivery = api.delivery(uri, SCHOOLS)

    assert delivery["state"] == "accepted"
    assert {name: delivery[name] for name in ("rows", "added", "changed", "unchanged", "removed", "wrong")} == {
        "rows": 3,
        "added": 3,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "wrong": 0,
    }
    assert (delivery["version"]["number"], delivery["version"]["rows"]) == (1, 3)
    assert rows_in_datastore(app, uri) == [
        {"bin": "000140000012", "name": "№1 мектеп", "pupils": 640},
        {"bin": "000140000092", "name": "Гимназия", "pupils": 1210},
        {"bin": "000140000220", "name": "Лицей", "pupils": 305},
    ]
    assert anyone.get(f"/datasets/{uri}").json["version"]["sha256"] == delivery["version"]["sha256"]
    assert table_at(app, f"/data/{uri}/v1.csv") == table(SCHOOLS)
    frame = pl.read_parquet(io.BytesIO(app.get(f"/data/{uri}/v1.parquet").data))
    assert frame["bin"].to_list() == ["000140000012", "000140000092", "000140000220"]


def test_a_second_delivery_makes_version_2_and_shows_what_changed(app: CKANTestApp, api: Api, anyone: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    second = api.delivery(uri, CHANGED)

    assert (second["version"]["number"], second["added"], second["changed"], second["unchanged"], second["removed"]) == (
        2,
        1,
        1,
        1,
        1,
    )
    told = anyone.get(f"/datasets/{uri}/versions/2/diff").json
    assert told["against"] == 1
    assert told["difference"]["changed_rows"] == [{"key": {"bin": "000140000012"}, "fields": {"pupils": [640, 655]}}]
    assert told["difference"]["added_rows"] == [{"bin": "000140000316", "name": "Колледж", "pupils": 90}]
    assert told["difference"]["removed_rows"] == [{"bin": "000140000092", "name": "Гимназия", "pupils": 1210}]
    assert [version["number"] for version in anyone.get(f"/datasets/{uri}/versions").json["versions"]] == [2, 1]
    assert table_at(app, f"/data/{uri}/v1.csv") == table(SCHOOLS)
    assert table_at(app, f"/data/{uri}.csv") == table(CHANGED)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "Файл тексеруден өтпеді: 3 қате табылды. Бұрынғы нұсқа өзгерген жоқ."),
        ("ru", "Файл не прошёл проверку: найдено ошибок – 3. Прежняя версия осталась без изменений."),
        ("en", "The file did not pass the check: 3 errors were found. The previous version stays as it is."),
    ],
)
def test_a_wrong_file_is_refused_with_its_report_and_the_version_stays(
    app: CKANTestApp, api: Api, uri: str, language: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "kzopen.answer_wait", PATIENCE)
    api.delivery(uri, SCHOOLS)
    api.language = language

    refused = api.delivery(uri, BAD)
    report = api.get(f"/deliveries/{refused['id']}/report").json

    assert (refused["state"], refused["wrong"], refused["version"]) == ("refused", 3, None)
    assert report["counts"] == {"constraint-error": 2, "type-error": 1}
    assert [(finding["row"], finding["field"], finding["cell"]) for finding in report["findings"]] == [
        (2, "bin", "140000012"),
        (3, "name", ""),
        (3, "pupils", "шестьсот"),
    ]
    again = api.call("POST", f"/datasets/{uri}/rows", data=BAD)
    assert (again.status_code, again.json["detail"]) == (422, sentence)
    assert table_at(app, f"/data/{uri}.csv") == table(SCHOOLS)
    assert len(rows_in_datastore(app, uri)) == 3


def test_a_report_is_read_page_by_page(api: Api, uri: str) -> None:
    rows = "".join(f"{n},name,1\n" for n in range(250))
    refused = api.delivery(uri, f"bin,name,pupils\n{rows}".encode())

    first = api.get(f"/deliveries/{refused['id']}/report?limit=100").json
    last = api.get(f"/deliveries/{refused['id']}/report?offset=200&limit=100").json

    assert (first["errors"], len(first["findings"]), first["findings"][0]["row"]) == (250, 100, 2)
    assert first["next"].endswith("/report?offset=100&limit=100")
    assert (len(last["findings"]), last["findings"][-1]["row"], last["next"]) == (50, 251, None)


def test_check_only_reports_and_publishes_nothing_until_it_is_approved(app: CKANTestApp, api: Api, uri: str) -> None:
    checked = api.delivery(uri, SCHOOLS, "?check=only")

    assert (checked["state"], checked["rows"], checked["version"]) == ("awaiting_approval", 3, None)
    assert api.get(f"/datasets/{uri}").json["version"] is None

    published = api.decided(api.call("POST", f"/deliveries/{checked['id']}/approve"))
    for _ in range(600):
        if published.json["state"] == "accepted":
            break
        published = api.get(f"/deliveries/{checked['id']}")
    assert (published.json["state"], published.json["version"]["number"]) == ("accepted", 1)


def test_the_same_key_and_body_give_the_first_delivery_again(api: Api, uri: str) -> None:
    first = api.delivery(uri, SCHOOLS, Idempotency_Key="2026-11")
    again = api.post(uri, SCHOOLS, Idempotency_Key="2026-11")

    assert again.json["id"] == first["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [version["number"] for version in api.get(f"/datasets/{uri}/versions").json["versions"]] == [1]


def test_the_same_key_with_another_body_is_a_conflict(api: Api, uri: str) -> None:
    first = api.delivery(uri, SCHOOLS, Idempotency_Key="2026-11")

    answer = api.post(uri, CHANGED, Idempotency_Key="2026-11")

    assert (answer.status_code, answer.json["code"]) == (409, "publishing.key_reused")
    assert answer.json["params"] == {"key": "2026-11", "delivery": first["id"]}


def test_requests_with_one_key_at_the_same_moment_make_one_delivery(app: CKANTestApp, api: Api, uri: str) -> None:
    def send(_n: int) -> str:
        return str(Api(app, api.token).delivery(uri, SCHOOLS, Idempotency_Key="once")["id"])

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(send, range(4)))

    assert len(set(numbers)) == 1
    assert [version["number"] for version in api.get(f"/datasets/{uri}/versions").json["versions"]] == [1]


def test_deliveries_to_one_data_set_are_published_in_the_order_they_came(api: Api, uri: str) -> None:
    bodies = [f"bin,name,pupils\n000140000012,мектеп,{n}\n".encode() for n in range(5)]
    answers = [api.call("POST", f"/datasets/{uri}/rows", data=body) for body in bodies]
    decided = [api.decided(answer).json if answer.status_code == 202 else answer.json for answer in answers]

    assert [delivery["version"]["number"] for delivery in decided] == [1, 2, 3, 4, 5]


def test_append_adds_rows_and_refuses_keys_that_are_there(api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)
    added = api.delivery(uri, "bin,name,pupils\n000140000316,Колледж,90\n".encode(), "?mode=append")
    clash = api.delivery(uri, "bin,name,pupils\n000140000419,А,1\n000140000012,Б,2\n".encode(), "?mode=append")

    assert (added["version"]["rows"], added["added"], added["unchanged"]) == (4, 1, 3)
    assert (clash["state"], clash["wrong"]) == ("refused", 1)
    report = api.get(f"/deliveries/{clash['id']}/report").json
    assert [(finding["code"], finding["row"], finding["cell"]) for finding in report["findings"]] == [
        ("primary-key", 3, "000140000012")
    ]


def test_upsert_renews_rows_with_a_known_key_in_their_place_and_adds_others(app: CKANTestApp, api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)
    sent = "bin,name,pupils\n000140000316,Колледж,90\n000140000092,Гимназия,1300\n".encode()

    delivery = api.delivery(uri, sent, "?mode=upsert")

    assert (delivery["added"], delivery["changed"], delivery["unchanged"], delivery["removed"]) == (1, 1, 2, 0)
    assert [(row["bin"], row["pupils"]) for row in rows_in_datastore(app, uri)] == [
        ("000140000012", 640),
        ("000140000092", 1300),
        ("000140000220", 305),
        ("000140000316", 90),
    ]


def test_delete_takes_away_rows_by_key(app: CKANTestApp, api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    delivery = api.delivery(uri, b"bin\n000140000092\n000140009999\n", "?mode=delete")

    assert (delivery["removed"], delivery["unchanged"]) == (1, 2)
    assert [row["bin"] for row in rows_in_datastore(app, uri)] == ["000140000012", "000140000220"]


def xlsx() -> bytes:
    book = openpyxl.Workbook()
    for row in (("bin", "name", "pupils"), ("000140000012", "№1 мектеп", 640), ("000140000092", "Гимназия", 1210)):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    pl.DataFrame({"bin": ["000140000012"], "name": ["№1 мектеп"], "pupils": [640]}).write_parquet(file)
    return file.getvalue()


ROW = {"bin": "000140000012", "name": "№1 мектеп", "pupils": 640}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        pytest.param(SCHOOLS.replace(b",", b";"), 3, id="csv with semicolons"),
        pytest.param(SCHOOLS.decode().replace("№", "N").encode("cp1251"), 3, id="csv in windows-1251"),
        pytest.param(gzip.compress(SCHOOLS), 3, id="gzip"),
        pytest.param(json.dumps([ROW]).encode(), 1, id="json"),
        pytest.param(json.dumps(ROW).encode() + b"\n", 1, id="ndjson"),
        pytest.param(xlsx(), 2, id="xlsx"),
        pytest.param(parquet(), 1, id="parquet"),
    ],
)
def test_every_accepted_format_leads_to_the_same_path(api: Api, uri: str, body: bytes, rows: int) -> None:
    delivery = api.delivery(uri, body)

    assert (delivery["state"], delivery["rows"]) == ("accepted", rows)


@pytest.mark.parametrize(
    ("query", "headers", "body", "status", "code"),
    [
        ("?mode=merge", {}, SCHOOLS, 400, "web.bad_input"),
        ("", {"Idempotency-Key": "k" * 256}, SCHOOLS, 400, "publishing.key_too_long"),
        ("", {}, b"", 400, "publishing.no_rows"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_before_anything_is_kept(
    api: Api, uri: str, query: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answer = api.call("POST", f"/datasets/{uri}/rows{query}", data=body, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_upsert_needs_a_key(api: Api, agency: object) -> None:
    from uuid import uuid4

    from tests.publishing.conftest import Agency, passport

    assert isinstance(agency, Agency)
    name = f"keyless-{uuid4().hex[:8]}"
    api.put(name, passport(agency.name, key=[]))

    answer = api.post(name, SCHOOLS, "?mode=upsert")

    assert (answer.status_code, answer.json["code"]) == (422, "publishing.schema_has_no_key")


def test_each_step_of_a_delivery_is_in_the_event_log(api: Api, agency: object, uri: str) -> None:
    delivery = api.delivery(uri, SCHOOLS)

    steps = [
        (event.verb, event.actor.split(":")[0]) for event in events(model.Session, kind="delivery", object_id=delivery["id"])
    ]

    assert [verb for verb, _ in steps] == ["create", "check", "accept"]
    assert [actor for _, actor in steps][1:] == ["system", "system"]


def test_what_is_accepted_is_answered_with_its_place_in_the_public_record(api: Api, anyone: Api, uri: str) -> None:
    deliveries = [api.delivery(uri, body) for body in (SCHOOLS, CHANGED)]
    given = anyone.app.get(f"/data/{uri}/certificate.json").json["leaves"]

    records = [delivery["version"]["record"] for delivery in deliveries]

    assert [(one["index"], one["hash"]) for one in records] == [(one["index"], one["hash"]) for one in given]
    assert all(one["certificate"].endswith(f"/data/{uri}/certificate.json") for one in records)
    listed = anyone.get(f"/datasets/{uri}/versions").json["versions"]
    assert [version["record"] for version in listed] == records[::-1]
    assert anyone.get(f"/datasets/{uri}").json["version"]["record"] == records[1]
    assert [api.get(f"/deliveries/{one['id']}").json["version"]["record"] for one in deliveries] == records


def test_a_version_that_the_record_does_not_tell_any_more_has_no_place(api: Api, anyone: Api, uri: str) -> None:
    delivery = api.delivery(uri, SCHOOLS)
    package = model.Package.get(uri).id
    leaf = model.Session.scalars(select(Leaf.id).where(Leaf.kind == "version", Leaf.object_id == package)).one()
    erase(model.Session, leaf, "by order")
    model.Session.commit()

    assert anyone.get(f"/datasets/{uri}/versions").json["versions"][0]["record"] is None
    assert api.get(f"/deliveries/{delivery['id']}").json["version"]["record"] is None


def test_a_list_of_versions_asks_the_record_once(api: Api, anyone: Api, uri: str) -> None:
    for pupils in range(3):
        api.delivery(uri, SCHOOLS.replace(b"640", str(pupils).encode()))
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.extend([statement] if "kzopen.leaf" in statement else [])

    event.listen(model.meta.engine, "before_cursor_execute", note)
    try:
        assert len(anyone.get(f"/datasets/{uri}/versions").json["versions"]) == 3
    finally:
        event.remove(model.meta.engine, "before_cursor_execute", note)
    assert len(asked) == 1

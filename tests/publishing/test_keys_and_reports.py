"""What a sender keeps of a delivery: its key, for seven days, and its report as a table."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from ckan import model
from ckanext.kzopen.publishing import inbox, listings
from ckanext.kzopen.publishing.model import KEY_KEPT, Delivery
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.validation.check import check_file

from tests.publishing.conftest import BASE, SCHOOLS, Agency, Api, passport

OTHER = SCHOOLS.replace(b"640", b"641")


def aged(number: str, by: timedelta) -> None:
    """Let the delivery have come so long ago."""
    delivery = model.Session.get_one(Delivery, UUID(number))
    delivery.received -= by
    model.Session.commit()


def test_a_key_is_kept_for_seven_days_and_is_free_afterwards(api: Api, uri: str) -> None:
    assert timedelta(days=7) == KEY_KEPT
    key = uuid4().hex
    first = api.delivery(uri, SCHOOLS, Idempotency_Key=key)
    aged(first["id"], timedelta(days=6, hours=23))
    assert api.post(uri, SCHOOLS, Idempotency_Key=key).json["id"] == first["id"]
    assert (answer := api.post(uri, OTHER, Idempotency_Key=key)).status_code == 409, answer.json
    assert answer.json["code"] == "publishing.key_reused"

    aged(first["id"], timedelta(hours=2))
    second = api.delivery(uri, OTHER, Idempotency_Key=key)

    assert (second["state"], second["id"] == first["id"]) == ("accepted", False)
    assert api.post(uri, OTHER, Idempotency_Key=key).json["id"] == second["id"]
    assert api.get(f"/deliveries/{first['id']}").json["state"] == "accepted"


WRONG = "bin,name,pupils\n000140000012,=1+1,many\n12,Лицей,-5\n".encode()


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_report_is_a_table_too_in_the_readers_language(api: Api, uri: str, language: str) -> None:
    refused = api.delivery(uri, WRONG)
    api.language = language
    found = api.get(f"/deliveries/{refused['id']}/report").json["findings"]

    answer = api.get(f"/deliveries/{refused['id']}/report?format=csv")

    assert answer.headers["Content-Type"].startswith("text/csv")
    header, *lines = csv.reader(io.StringIO(answer.get_data(as_text=True)))
    assert header == ["row", "field", "cell", "code", "sentence"]
    assert [line[:2] + line[3:] for line in lines] == [
        [str(one["row"]), one["field"] or "", one["code"], one["sentence"]] for one in found
    ]
    assert [(line[0], line[1], line[3]) for line in lines] == [
        ("2", "pupils", "type-error"),
        ("3", "bin", "constraint-error"),
        ("3", "pupils", "constraint-error"),
    ]


def test_a_report_goes_page_by_page_and_a_formula_stays_a_text(api: Api, uri: str, agency: Agency) -> None:
    strict = f"strict-{uri}"
    fields = [{"name": "code", "type": "string", "constraints": {"enum": ["a"]}}]
    assert api.put(strict, passport(agency.name, fields, [])).status_code == 201
    refused = api.delivery(strict, b"code\na\n=1+1\n@SUM(A1)\n")
    address = f"/deliveries/{refused['id']}/report?format=csv&limit=1"

    first = list(csv.reader(io.StringIO(api.get(address).get_data(as_text=True))))
    second = list(csv.reader(io.StringIO(api.get(f"{address}&offset=1").get_data(as_text=True))))

    assert [first[1][2], second[1][2]] == ["'=1+1", "'@SUM(A1)"]
    assert [len(first), len(second)] == [2, 2]
    assert api.get(f"{address}&offset=2").get_data(as_text=True).count("\n") == 1
    assert api.app.get(f"{BASE}{address}", status=401).json["code"] == "publishing.no_token"


def many(errors: int) -> bytes:
    """A table with so many wrong cells."""
    return ("bin,name,pupils\n" + "".join(f"{n:012d},Мектеп,көп-{n}\n" for n in range(errors))).encode()


def test_a_report_of_many_errors_is_read_to_its_end(api: Api, uri: str) -> None:
    refused = api.delivery(uri, many(1_500))
    address = f"/deliveries/{refused['id']}/report"

    first = api.get(f"{address}?limit=1000").json
    second = api.get(f"{address}?offset=1000&limit=1000").json
    across = api.get(f"{address}?offset=990&limit=20").json
    last = list(csv.reader(io.StringIO(api.get(f"{address}?offset=1499&format=csv").get_data(as_text=True))))

    assert (first["errors"], first["listed"], first["note"], first["counts"]) == (1_500, 1_500, None, {"type-error": 1_500})
    assert first["next"].endswith("?offset=1000&limit=1000")
    assert second["next"] is None
    assert [one["cell"] for one in first["findings"] + second["findings"]] == [f"көп-{n}" for n in range(1_500)]
    assert across["findings"] == first["findings"][990:] + second["findings"][:10]
    assert [line[:4] for line in last[1:]] == [["1501", "pupils", "көп-1499", "type-error"]]
    stored = model.Session.get_one(Delivery, UUID(refused["id"])).report or {}
    assert (len(stored["findings"]), stored["listed"]) == (1_000, 1_500)


NOTES = {
    "kk": "1\u00a0500 қатенің алғашқы 1\u00a0200 ғана тізімде. "
    "Соларды түзетіп, файлды қайта жіберіңіз: келесі тексеру қалғандарын көрсетеді.",
    "ru": "Показаны только первые 1\u00a0200 из 1\u00a0500 ошибок. "
    "Исправьте их и отправьте файл снова: следующая проверка покажет остальные.",
    "en": "Only the first 1,200 of 1,500 errors are listed. "
    "Correct them and send the file again: the next check lists the others.",
}


def test_a_list_that_is_cut_says_at_how_many_and_what_to_do(api: Api, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = api.delivery(uri, many(1_500))
    delivery, url = model.Session.get_one(Delivery, UUID(refused["id"])), configured().files_url
    body = inbox.stored_file(url, delivery.path)
    report = check_file(body, passport("")["schema"]).report
    monkeypatch.setattr(listings, "MOST", 1_200)
    number = listings.keep(url, delivery.path, report)
    delivery.report = report.stored() | {"listed": number}
    model.Session.commit()
    address = f"/deliveries/{refused['id']}/report?offset=1199"

    for language, note in NOTES.items():
        api.language = language
        told = api.get(address).json
        assert (told["listed"], told["errors"], told["note"], told["next"]) == (1_200, 1_500, note, None)
        assert [one["cell"] for one in told["findings"]] == ["көп-1199"]
        lines = list(csv.reader(io.StringIO(api.get(f"{address}&format=csv").get_data(as_text=True))))
        assert lines[-1] == ["", "", "", "report-cut", note]
    monkeypatch.setattr(listings, "MOST_BYTES", 10_000)  # long cells end a list too, but the row holds a thousand
    assert listings.keep(url, delivery.path, report) == 1_000
    assert 10 < len(listings.read(url, delivery.path, 0, 1_000)) < 100
    delivery.report = report.stored() | {"listed": 1_000}
    model.Session.commit()
    assert len(api.get(f"/deliveries/{refused['id']}/report?limit=1000").json["findings"]) == 1_000


def test_keys_that_are_published_already_are_listed_to_the_end(api: Api, uri: str) -> None:
    rows = "bin,name,pupils\n" + "".join(f"{n:012d},Мектеп,{n}\n" for n in range(1_200))
    assert api.delivery(uri, rows.encode())["state"] == "accepted"
    refused = api.delivery(uri, rows.encode(), "?mode=append")

    told = api.get(f"/deliveries/{refused['id']}/report?offset=1100&limit=1000").json

    assert (told["listed"], told["counts"]) == (1_200, {"primary-key": 1_200})
    assert [(one["row"], one["cell"]) for one in told["findings"]] == [(n + 2, f"{n:012d}") for n in range(1_100, 1_200)]

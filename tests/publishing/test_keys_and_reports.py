"""What a sender keeps of a delivery: its key, for seven days, and its report as a table."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from ckan import model
from ckanext.kzopen.publishing.model import KEY_KEPT, Delivery

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

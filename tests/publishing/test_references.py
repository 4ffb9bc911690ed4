"""A table whose codes are those of a reference table: unknown codes are refused, labels are joined when it is read."""

from __future__ import annotations

from typing import Any

from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.harvest.reference import SCHEMA

from tests.publishing.conftest import Agency, Api, passport

REGIONS = (
    "code,parent,name_kk,name_ru,name_en,valid_from,valid_until,kato\n"
    "10,,Абай облысы,Абайская область,,2022-06-08,,\n"
    "71,,Нұр-Сұлтан,Нур-Султан,,2019-03-23,2022-09-16,\n"
    "71,,Астана,Астана,Astana,2022-09-17,,\n"
    "99,,Жабылған,Упразднён,,2000-01-01,2010-01-01,\n"
)


def published(api: Api, owner: str) -> tuple[str, str]:
    """A reference table and a table that refers to it."""
    reference, table = f"ref-{owner[-10:]}", f"table-{owner[-10:]}"
    told = passport(owner) | {"schema": SCHEMA}
    assert api.put(reference, told).status_code == 201
    assert api.delivery(reference, REGIONS.encode())["state"] == "accepted"
    fields = [{"name": "kato", "type": "string"}, {"name": "people", "type": "integer"}]
    key: dict[str, Any] = {"fields": "kato", "reference": {"resource": reference, "fields": "code"}}
    assert api.put(table, passport(owner) | {"schema": {"fields": fields, "foreignKeys": [key]}}).status_code == 201
    return reference, table


def test_codes_are_checked_on_publishing_and_told_in_words_when_read(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    reference, table = published(api, agency.name)
    refused = api.post(table, b"kato,people\n10,600000\n99,5\n77,1\n").json
    assert refused["code"] == "publishing.refused"
    found = [(one["row"], one["field"], one["cell"], one["code"]) for one in refused["report"]["findings"]]
    assert found == [(3, "kato", "99", "foreign-key"), (4, "kato", "77", "foreign-key")]
    assert reference in refused["report"]["findings"][0]["sentence"]
    assert api.delivery(table, b"kato,people\n10,600000\n71,1400000\n,3\n")["state"] == "accepted"
    client = api.app
    assert client.get(f"/data/{table}.csv?raw=1&labels=kk").data.decode().splitlines() == [
        '"kato","kato_label","people"',
        '"10","Абай облысы",600000',
        '"71","Астана",1400000',
        ",,3",
    ]
    assert client.get(f"/data/{table}.json?labels=en").json[1]["kato_label"] == "Astana"
    assert "kato_label" not in client.get(f"/data/{table}.csv").data.decode()


def test_a_reference_to_nothing_is_told(app: CKANTestApp, agency: Agency) -> None:
    api = Api(app, agency.token)
    key = {"fields": "kato", "reference": {"resource": "there-is-none", "fields": "code"}}
    fields = [{"name": "kato", "type": "string"}]
    uri = f"lost-{agency.name[-10:]}"
    assert api.put(uri, passport(agency.name) | {"schema": {"fields": fields, "foreignKeys": [key]}}).status_code == 201
    refused = api.post(uri, b"kato\n10\n").json
    assert [one["code"] for one in refused["report"]["findings"]] == ["foreign-key"]
    assert "there-is-none" in refused["report"]["findings"][0]["sentence"]

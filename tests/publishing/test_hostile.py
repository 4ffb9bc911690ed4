"""What should not be sent, or comes at an odd moment, and what the portal makes of it."""

from __future__ import annotations

import json
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.model import Delivery

from tests.publishing.conftest import SCHOOLS, Agency, Api, passport
from tests.publishing.test_deliver import rows_in_datastore


def test_a_body_longer_than_allowed_is_refused_before_it_is_read(api: Api, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tk.config, "kzopen.largest_delivery", 10)

    answer = api.call("POST", f"/datasets/{uri}/rows", data=SCHOOLS)

    assert (answer.status_code, answer.json["code"], answer.json["params"]) == (413, "publishing.too_large", {"limit": 10})


def test_a_character_that_the_database_cannot_hold_is_told_in_a_passport(api: Api, agency: Agency) -> None:
    answer = api.put(f"nul-{uuid4().hex[:8]}", passport(agency.name) | {"title": {"kk": "a\0b", "ru": "б"}})

    assert answer.status_code == 400
    assert [error["code"] for error in answer.json["errors"]] == ["publishing.input_nul"]


def test_a_character_that_the_database_cannot_hold_is_told_in_rows(api: Api, uri: str) -> None:
    body = json.dumps([{"bin": "000140000012", "name": "a\0b", "pupils": 1}]).encode()

    assert api.delivery(uri, body)["state"] == "refused"


@pytest.mark.parametrize("name", ["a%00b", "..%2f..%2fetc%2fpasswd", "' OR 1=1 --", "%s"])
def test_a_name_that_is_none_is_simply_unknown(anyone: Api, name: str) -> None:
    answer = anyone.get(f"/datasets/{name}/versions")

    assert answer.status_code == 404


def test_the_senders_path_and_control_characters_are_not_kept_of_a_file_name(api: Api, uri: str) -> None:
    told = 'attachment; filename="C:\\\\Users\\\\me\\\\../sch\x1bools.csv"'
    number = api.delivery(uri, SCHOOLS, Content_Disposition=told)["id"]

    assert model.Session.get_one(Delivery, number).file_name == "schools.csv"


NAMES = ["50%", "%s", "сумма, тг", "a.b", "(x)", "x; DROP TABLE y", "'q'", "\\", "?column?", "SELECT", "№"]


def test_columns_may_have_any_printable_name(app: CKANTestApp, api: Api, agency: Agency) -> None:
    name = f"odd-{uuid4().hex[:8]}"
    fields = [{"name": column, "type": "string"} for column in NAMES]
    assert api.put(name, passport(agency.name, fields, [NAMES[0]])).status_code == 201

    delivery = api.delivery(name, json.dumps([{column: column for column in NAMES}]).encode())

    assert (delivery["state"], delivery["rows"]) == ("accepted", 1)
    assert rows_in_datastore(app, name) == [{column: column for column in NAMES}]


def test_a_deleted_data_set_comes_back_with_its_versions(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    api.delivery(uri, SCHOOLS)
    with app.flask_app.test_request_context():
        tk.get_action("package_delete")({"ignore_auth": True, "user": agency.user}, {"id": uri})
    assert api.get(f"/datasets/{uri}").status_code == 404
    assert api.post(uri, SCHOOLS).json["code"] == "publishing.unknown_dataset"

    assert api.put(uri, passport(agency.name)).status_code == 200

    assert api.get(f"/datasets/{uri}").json["version"]["number"] == 1
    assert api.delivery(uri, SCHOOLS)["version"]["number"] == 2


def test_a_package_that_ckan_renamed_keeps_its_address_in_the_api(
    app: CKANTestApp, api: Api, agency: Agency, uri: str
) -> None:
    with app.flask_app.test_request_context():
        tk.get_action("package_patch")({"ignore_auth": True, "user": agency.user}, {"id": uri, "name": f"new-{uri}"})

    told = api.get(f"/datasets/{uri}").json

    assert told["uri"] == uri
    assert told["links"]["page"].endswith(f"/dataset/new-{uri}")
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"


def test_a_delivery_to_a_purged_data_set_ends_as_failed(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    with app.flask_app.test_request_context():
        from ckanext.kzopen.publishing.process import process
        from ckanext.kzopen.publishing.site import configured

        checked = api.delivery(uri, SCHOOLS, "?check=only")
        site_user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        tk.get_action("dataset_purge")({"ignore_auth": True, "user": site_user}, {"id": uri})
        delivery = model.Session.get_one(Delivery, checked["id"])
        delivery.approver = "somebody"
        model.Session.commit()

        process(model.Session(), configured(), delivery.id)

        assert (delivery.state, delivery.error) == ("awaiting_approval", "publishing.unknown_dataset")


def test_formulas_are_harmless_in_a_spreadsheet_and_whole_for_programs(app: CKANTestApp, api: Api, uri: str) -> None:
    api.delivery(uri, b'bin,name,pupils\n000140000012,"=HYPERLINK(""http://evil"")",1\n')

    assert '"\'=HYPERLINK(""http://evil"")"' in app.get(f"/data/{uri}.csv").body
    assert ',"=HYPERLINK(""http://evil"")"' in app.get(f"/data/{uri}.csv?raw=1").body

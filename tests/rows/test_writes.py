"""Rows that are published by deliveries are changed by nothing else, whoever asks."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.rows import model as versions

from tests.publishing.conftest import SCHOOLS, Agency, Api, new_agency, passport, without_passport

WRITES: dict[str, dict[str, Any]] = {
    "datastore_create": {"fields": [{"id": "bin", "type": "text"}], "records": [{"bin": "1"}]},
    "datastore_upsert": {"method": "insert", "records": [{"bin": "1", "name": "x", "pupils": 1}]},
    "datastore_delete": {},
    "datastore_records_delete": {"filters": {}},
}


@pytest.fixture
def agency(app: CKANTestApp) -> Agency:
    return new_agency(app)


@pytest.fixture
def resource(app: CKANTestApp, agency: Agency) -> str:
    """The table of a data set with one version."""
    api, uri = Api(app, agency.token), f"written-{agency.name[-10:]}"
    assert api.put(uri, passport(agency.name)).status_code == 201
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    found = versions.latest(model.Session(), uri)
    assert found is not None
    return str(found.resource_id)


@pytest.mark.parametrize("names", [("resource_id",), ("id",), ("id", "resource_id")])
@pytest.mark.parametrize("action", WRITES)
def test_ckans_own_ways_of_writing_rows_are_closed(
    app: CKANTestApp, agency: Agency, resource: str, action: str, names: tuple[str, ...]
) -> None:
    """CKAN takes a table's name from `id` too, and then leaves `resource_id` aside."""
    named = {"resource_id": "another"} | dict.fromkeys(names, resource) if names == ("id",) else dict.fromkeys(names, resource)
    asked = {**named, "force": True, **WRITES[action]}
    for language, words in (("kk", "жеткізілім"), ("ru", "поставками"), ("en", "deliveries")):
        headers = {"Authorization": agency.token, "Accept-Language": language}
        refused = app.post(f"/api/3/action/{action}", json=asked, headers=headers)
        assert refused.status_code == 403
        assert words in refused.json["error"]["message"]
    site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    with app.flask_app.test_request_context(), pytest.raises(tk.NotAuthorized):
        tk.get_action(action)({"user": site}, asked)
    stranger = app.post(f"/api/3/action/{action}", json=asked, headers={"Authorization": new_agency(app).token})
    assert stranger.status_code == 403
    assert "deliveries" not in stranger.text
    found = app.get(f"/api/3/action/datastore_search?resource_id={resource}").json["result"]
    assert [record["pupils"] for record in found["records"]] == [640, 1210, 305]


def test_a_table_without_versions_is_ckans_own(app: CKANTestApp, agency: Agency) -> None:
    headers = {"Authorization": agency.token}
    created = {
        "resource": {"package_id": without_passport(app, agency)},
        "fields": [{"id": "depth", "type": "int"}],
        "records": [{"depth": 4}],
    }
    table = app.post("/api/3/action/datastore_create", json=created, headers=headers).json["result"]["resource_id"]
    more = {"resource_id": table, "records": [{"depth": 5}], "method": "insert", "force": True}
    assert app.post("/api/3/action/datastore_upsert", json=more, headers=headers).status_code == 200

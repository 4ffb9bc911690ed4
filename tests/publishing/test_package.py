"""The CKAN package of a data set: fields in three languages, found by search, previewed on its page."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import PATIENCE, SCHOOLS, Agency, Api, passport


def found(app: CKANTestApp, query: str, uri: str) -> bool:
    told = app.get("/api/3/action/package_search", query_string={"q": query, "rows": 100}).json["result"]
    return any(package["name"] == uri for package in told["results"])


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_data_set_is_found_by_its_name_in_each_language(app: CKANTestApp, api: Api, agency: Agency, language: str) -> None:
    mark = uuid4().hex[:8]
    titles = {"kk": f"Көлдер {mark}kk", "ru": f"Озёра {mark}ru", "en": f"Lakes {mark}en"}
    api.put(f"lakes-{mark}", passport(agency.name) | {"title": titles})

    until = time.monotonic() + PATIENCE
    while not found(app, f"{mark}{language}", f"lakes-{mark}"):
        assert time.monotonic() < until, "the index does not know the data set"
        time.sleep(0.2)


def test_the_page_of_a_data_set_and_of_its_table_can_be_read(app: CKANTestApp, api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)
    resource = app.get(f"/api/3/action/package_show?id={uri}").json["result"]["resources"][0]

    assert "Мектептер тізімі" in app.get(f"/dataset/{uri}").body
    assert "Перечень школ" in app.get(f"/ru/dataset/{uri}").body
    assert app.get(f"/en/dataset/{uri}/resource/{resource['id']}").status_code == 200


def test_the_table_gets_ckans_preview_once(app: CKANTestApp, api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)
    api.delivery(uri, SCHOOLS)
    resource = app.get(f"/api/3/action/package_show?id={uri}").json["result"]["resources"][0]

    until = time.monotonic() + PATIENCE
    while not (views := app.get(f"/api/3/action/resource_view_list?id={resource['id']}").json["result"]):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert [view["view_type"] for view in views] == ["datatables_view"]


def test_the_resource_tells_version_rows_and_checksum(app: CKANTestApp, api: Api, uri: str) -> None:
    version = api.delivery(uri, SCHOOLS)["version"]

    resource = app.get(f"/api/3/action/package_show?id={uri}").json["result"]["resources"][0]

    assert (resource["table_version"], resource["rows"], resource["hash"]) == (1, 3, version["sha256"])
    assert resource["url"].endswith(f"/data/{uri}.csv")
    assert resource["datastore_active"] is True


def test_a_package_of_a_program_that_knows_ckan_only_is_still_taken(app: CKANTestApp, agency: Agency) -> None:
    name = f"plain-{uuid4().hex[:8]}"
    answer = app.post(
        "/api/3/action/package_create",
        json={
            "name": name,
            "title": "Plain",
            "notes": "As CKAN has it",
            "owner_org": agency.name,
            "extras": [{"key": "a", "value": "b"}],
        },
        headers={"Authorization": agency.token},
    )

    package = answer.json["result"]
    assert (package["title"], package["notes"], package["extras"]) == ("Plain", "As CKAN has it", [{"key": "a", "value": "b"}])


def save(context: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return tk.get_action("package_create")(context, {"name": f"form-{uuid4().hex[:8]}", **fields})


def test_ckans_own_form_sends_a_text_for_each_language(app: CKANTestApp, agency: Agency) -> None:
    with app.flask_app.test_request_context():
        context = {"ignore_auth": True, "user": agency.user}
        package = save(
            context,
            owner_org=agency.id,
            **{"title_translated-kk": "Көлдер", "title_translated-ru": "Озёра", "tags_translated-ru": "вода, озеро"},
        )
        model.Session.remove()

    assert package["title_translated"] == {"kk": "Көлдер", "ru": "Озёра"}
    assert package["title"] == "Көлдер"
    assert package["tags_translated"] == {"ru": ["вода", "озеро"]}


@pytest.mark.parametrize("wrong", [{"de": "Seen"}, ["Көлдер"], "Көлдер", {"kk": 5}])
def test_a_text_in_languages_that_is_none_is_refused(app: CKANTestApp, agency: Agency, wrong: object) -> None:
    with app.flask_app.test_request_context():
        context = {"ignore_auth": True, "user": agency.user}
        with pytest.raises(tk.ValidationError) as refused:
            save(context, owner_org=agency.id, title_translated=wrong)
        model.Session.remove()

    assert list(refused.value.error_dict) == ["title_translated"]

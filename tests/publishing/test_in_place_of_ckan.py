"""CKAN's forms do nothing to a data set with a passport: they lead to the staff's pages, and its address stays."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import SCHOOLS, Agency, Api, new_agency, without_passport
from tests.publishing.test_staff_pages import Browser


@pytest.fixture
def staff(app: CKANTestApp, agency: Agency) -> Browser:
    return Browser(app, agency.user)


FORMS = ("dataset/edit/{uri}", "dataset/delete/{uri}", "dataset/{uri}/resource/new")
OF_TABLES = ("edit", "delete")


@pytest.mark.parametrize("method", ["get", "post"])
def test_forms_lead_to_the_pages_of_the_staff(app: CKANTestApp, api: Api, uri: str, staff: Browser, method: str) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    before = app.get(f"/api/3/action/package_show?id={uri}").json["result"]
    resource = before["resources"][0]["id"]
    paths = [form.format(uri=uri) for form in FORMS] + [f"dataset/{uri}/resource/{resource}/{verb}" for verb in OF_TABLES]
    for path in [*paths, f"dataset/{uri}/dictionary/{resource}"]:
        sent = {"name": "renamed", "title": "x", "save": "", "private": "True", "url": "http://example.org", "delete": ""}
        answer = staff.get(f"/{path}") if method == "get" else staff.post(f"/{path}", sent)
        assert answer.status_code == 302, path
        assert f"/staff/datasets/{uri}" in answer.headers["Location"], path
    assert app.get(f"/api/3/action/package_show?id={uri}").json["result"] == before
    assert f"/staff/datasets/{uri}" in staff.get(f"/dataset/resources/{uri}").headers["Location"]
    assert "/staff/datasets/new" in staff.get("/dataset/new").headers["Location"]


def test_who_may_not_change_it_learns_nothing_more(app: CKANTestApp, uri: str) -> None:
    stranger = Browser(app, new_agency(app).user)
    for path in (f"/dataset/edit/{uri}", f"/dataset/{uri}/resource/new", f"/dataset/delete/{uri}"):
        answer = stranger.get(path)
        assert "/staff" not in answer.headers.get("Location", ""), path


def test_a_data_set_without_a_passport_keeps_ckans_form(app: CKANTestApp, agency: Agency, staff: Browser) -> None:
    assert staff.get(f"/dataset/edit/{without_passport(app, agency)}").status_code == 200


@pytest.mark.parametrize(("language", "words"), [("kk", "біржола қалады"), ("ru", "навсегда"), ("en", "for ever")])
def test_its_address_stays(app: CKANTestApp, agency: Agency, uri: str, language: str, words: str) -> None:
    headers = {"Authorization": agency.token, "Accept-Language": language}
    package = model.Package.get(uri)
    assert package is not None
    refused = app.post("/api/3/action/package_patch", json={"id": package.id, "name": "renamed"}, headers=headers)
    assert refused.status_code == 409
    assert words in refused.json["error"]["name"][0]
    same = app.post("/api/3/action/package_patch", json={"id": uri, "name": uri}, headers=headers)
    assert same.status_code == 200


def test_ckans_api_neither_closes_it_nor_takes_its_table(app: CKANTestApp, agency: Agency, api: Api, uri: str) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    headers = {"Authorization": agency.token, "Accept-Language": "en"}
    before = app.get(f"/api/3/action/package_show?id={uri}").json["result"]
    for changes, words in (({"private": True}, "with a reason"), ({"resources": []}, "by deliveries")):
        refused = app.post("/api/3/action/package_patch", json={"id": uri, **changes}, headers=headers)
        assert refused.status_code == 409
        assert words in str(refused.json["error"])
    taken = app.post("/api/3/action/resource_delete", json={"id": before["resources"][0]["id"]}, headers=headers)
    assert taken.status_code in (403, 409)
    assert app.get(f"/api/3/action/package_show?id={uri}").json["result"] == before
    assert app.get(f"/data/{uri}.csv").status_code == 200

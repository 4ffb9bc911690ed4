"""One part of a list that cannot be read fails alone: the others are harvested, and nothing is withdrawn for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.kinds import Found

from tests.harvesters.alone import alone, found
from tests.harvesters.egov_portal import Portal
from tests.harvesters.test_frictionless import SCHOOLS, all_of, package, put
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue, says

TABLE = {"name": "x", "path": "x.csv"}


def packages(catalogue: Catalogue, *names: str) -> str:
    """The address of a list of packages with one table each."""
    put(catalogue, "/p/x.csv", SCHOOLS)
    for name in names:
        put(catalogue, f"/p/{name}.json", package(TABLE) | {"name": name})
    return put(catalogue, "/p/list", [f"{name}.json" for name in names])


def errors(items: list[Found]) -> list[str | None]:
    return [item.error and item.error.code for item in items]


def test_a_package_that_cannot_be_read_fails_alone_and_withdraws_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    harvest.ready("frictionless", {"address": packages(catalogue, "a", "b", "c")}, threshold=1.0)
    assert all_of(harvest.run(), seen=3, added=3)
    packages(catalogue, "a", "b", "d")
    good, catalogue.instead["/p/b.json"] = catalogue.instead["/p/b.json"], says(502, b"not now")
    run = harvest.run()
    assert all_of(run, seen=3, added=1, unchanged=1, failed=1), harvest.items(run)
    assert (run["state"], run["complete"], run["error"]) == ("finished", False, "harvest.part_unread")
    [item] = harvest.items(run, "failed")
    assert (item["guid"], item["error"], "502" in item["sentence"]) == (
        f"{catalogue.url}/p/b.json",
        "harvest.source_failed",
        True,
    )
    assert len(catalogue.requests("/p/b.json")) == 2 + 4, "what may pass is tried again"
    catalogue.instead["/p/b.json"] = good
    again = harvest.ended(harvest.post(f"/runs/{run['id']}/retry").json["id"])
    assert [one["error"] for one in harvest.items(again)] == ["harvest.part_unread"], "the next run reads it"
    assert all_of(harvest.run(), seen=4, unchanged=3, removed=1), "now it is known what is gone"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"<html>", "harvest.not_json"),
        (b"[]", "harvest.odd_list"),
        (b'{"name": "no resources"}', "harvest.odd_list"),
        ({"resources": [TABLE, TABLE]}, "harvest.odd_list"),
        ({"resources": [{"name": "y", "path": 5}]}, "harvest.odd_list"),
        (None, "harvest.not_there"),
    ],
)
def test_whatever_is_wrong_with_a_package_of_a_list(catalogue: Catalogue, body: Any, error: str) -> None:
    address = packages(catalogue, "a", "b", "c")
    put(catalogue, "/p/b.json", body) if body is not None else catalogue.instead.pop("/p/b.json")
    items = found(alone("frictionless", {"address": address}))
    assert errors(items) == [None, error, None]
    assert items[1].guid == f"{catalogue.url}/p/b.json"


def test_a_package_whose_host_may_come_back_is_waited_for_until_the_last_try(catalogue: Catalogue) -> None:
    address = packages(catalogue, "a", "b")
    catalogue.instead["/p/b.json"] = says(503, b"")
    harvester = alone("frictionless", {"address": address})
    with pytest.raises(KzError) as caught:
        found(harvester)
    assert caught.value.code == "harvest.source_busy"


def records(catalogue: Catalogue, *names: Any) -> list[Found]:
    """What is found in a list of JSON of records with these names."""
    catalogue.instead["/list"] = says(200, json.dumps([{"id": name} for name in names]).encode())
    settings = {"address": f"{catalogue.url}/list", "gives": "catalogue", "fields": {"id": "$.id"}}
    return found(alone("json_api", settings))


def test_a_record_without_a_name_fails_alone(catalogue: Catalogue) -> None:
    items = records(catalogue, "a", "", "b", None)
    assert errors(items) == [None, "harvest.odd_list", None, "harvest.odd_list"]
    assert len({item.guid for item in items}) == 4


def test_a_list_of_which_nothing_can_be_read_is_none(catalogue: Catalogue) -> None:
    with pytest.raises(KzError) as caught:
        records(catalogue, "", None)
    assert caught.value.code == "harvest.odd_list"


def test_a_data_set_of_egov_without_an_address_fails_alone(catalogue: Catalogue) -> None:
    Portal(catalogue, sets=2)
    listed = {"datasets": [{"modifiedDate": "2026"}, {"apiUri": "a"}]}
    catalogue.instead = {
        "/datasets/getdatasetsre?status=PUBLISHED&page=1": says(200, json.dumps(listed).encode())
    } | catalogue.instead
    assert errors(found(alone("egov", {"address": catalogue.url}))) == ["harvest.odd_list", None]


def test_a_classifier_without_a_code_fails_alone_and_one_without_a_version_is_read(catalogue: Catalogue) -> None:
    catalogue.instead["/ensi"] = says(200, json.dumps([{"version": "1"}, {"code": "a"}, {"code": "b", "version": 2}]).encode())
    items = found(alone("ensi", {"address": f"{catalogue.url}/ensi"}))
    assert errors(items) == ["harvest.odd_list", None, None]
    assert [item.hash for item in items[1:]] == [None, "2"]


def test_a_link_that_is_no_address_is_no_file(catalogue: Catalogue) -> None:
    catalogue.instead["/files/"] = says(200, b'<a href="http://[x">x</a><a href="a.csv">a</a>')
    assert [item.guid for item in found(alone("files", {"address": f"{catalogue.url}/files/"}))] == [
        f"{catalogue.url}/files/a.csv"
    ]


def test_a_data_set_of_ckan_that_does_not_say_when_it_was_changed_is_read(catalogue: Catalogue) -> None:
    one, other = {"id": "1", "name": "a", "resources": None}, {"id": "2", "name": "b", "metadata_modified": "2026"}
    for start, found_there in {0: [one, other], 1: [other]}.items():
        body = {"success": True, "result": {"count": 2, "results": found_there}}
        catalogue.instead[f"/api/3/action/package_search?start={start}&"] = says(200, json.dumps(body).encode())
    assert [item.hash for item in found(alone("ckan", {"address": catalogue.url}))] == [None, "2026"]


def test_a_data_set_of_dcat_that_says_nothing_is_in_the_list(catalogue: Catalogue) -> None:
    turtle = b"""@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
    <http://x/1> a dcat:Dataset ; dct:accrualPeriodicity [] ; dcat:contactPoint "?" ; dcat:distribution "?" .
    <http://x/2> a dcat:Dataset ; dct:title "B" ."""
    catalogue.instead["/c.ttl"] = says(200, turtle, "text/turtle")
    harvester = alone("dcat", {"address": f"{catalogue.url}/c.ttl"})
    assert [harvester.describe(item).uri for item in found(harvester)] == ["1", "2"]

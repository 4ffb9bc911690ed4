"""One part of a list that cannot be read fails alone: the others are harvested, and nothing is withdrawn for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import engine, visiting
from ckanext.kzopen.publishing.harvest.discovery import discover
from ckanext.kzopen.publishing.harvest.kinds import Found, Page
from ckanext.kzopen.publishing.harvest.model import Item, Run, Source
from ckanext.kzopen.publishing.harvest.patience import TRIES
from sqlalchemy import select, update

from tests.harvesters.alone import alone, found
from tests.harvesters.egov_portal import Portal
from tests.harvesters.test_frictionless import SCHOOLS, all_of, package, put
from tests.publishing.harvest.conftest import Harvest, begun, listed
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
    good = catalogue.instead.pop("/p/b.json")
    run = harvest.run()
    assert all_of(run, seen=3, added=1, unchanged=1, failed=1), harvest.items(run)
    assert (run["state"], run["complete"], run["error"]) == ("finished", False, "harvest.part_unread")
    [item] = harvest.items(run, "failed")
    named = f"{catalogue.url}/p/b.json"
    assert (item["guid"], item["error"], "/p/b.json" in item["sentence"]) == (named, "harvest.not_there", True)
    catalogue.instead["/p/b.json"] = good
    again = harvest.post(f"/runs/{run['id']}/retry")
    assert (again.status_code, again.json["code"]) == (409, "harvest.part_unread"), "the next run reads it"
    assert [one["error"] for one in harvest.items(run, "failed")] == ["harvest.not_there"]
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


def test_a_package_whose_host_may_come_back_is_waited_for_until_the_last_try(
    app: CKANTestApp, harvest: Harvest, catalogue: Catalogue
) -> None:
    harvest.add("frictionless", {"address": packages(catalogue, "a", "b")})
    catalogue.instead["/p/b.json"] = says(503, Retry_After="0")
    with begun(app, harvest) as run:
        run.attempts = TRIES - 2
        with pytest.raises(KzError) as caught:
            listed(run)
        assert caught.value.code == "harvest.source_busy"
        run.attempts = TRIES - 1
        listed(run)
        assert [item.error for item in stored(run)] == [None, "harvest.source_busy"]


@pytest.mark.parametrize(
    ("answer", "asked"), [(says(503, b"", Retry_After="0"), 3), (says(502), 6)], ids=["gives no answer", "fails"]
)
def test_a_host_that_gives_no_answer_is_not_asked_for_each_package_on_the_last_try(
    catalogue: Catalogue, answer: Any, asked: int
) -> None:
    names = "bcdefg"
    address = packages(catalogue, "a", *names, "h")
    catalogue.instead |= {f"/p/{name}.json": answer for name in names}
    harvester = alone("frictionless", {"address": address})
    harvester.reach.last_try = True
    items = found(harvester)
    assert len([path for path in catalogue.asked if path[3:].removesuffix(".json") in list(names)]) == asked
    is_silent = asked == 3
    error = "harvest.source_busy" if is_silent else "harvest.source_failed"
    assert errors(items) == [None, *[error] * 6, error if is_silent else None], "each is told why"


def test_a_list_that_is_not_wanted_any_more_is_left(catalogue: Catalogue) -> None:
    harvester = alone("frictionless", {"address": packages(catalogue, "a", "b", "c")})
    harvester.reach.last_try = True
    harvester.reach.ended = lambda: len(catalogue.requests("/p/")) > 2
    with pytest.raises(KzError) as caught:
        found(harvester)
    assert (caught.value.code, catalogue.asked) == ("harvest.cancelled", ["/p/list", "/p/a.json", "/p/b.json"])


def test_a_run_that_is_cancelled_while_it_reads_its_list_stays_cancelled(
    run: Run, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "GLANCE", -1.0)
    catalogue.fill(30)
    session, number = model.Session(), run.id

    def cancelled() -> None:
        with session.get_bind().engine.begin() as own:
            own.execute(update(Run).where(Run.id == number).values(state="cancelled"))

    catalogue.heard = cancelled
    engine._discover(session, session.get_one(Source, run.source_id), run)
    assert (run.state, run.error, run.attempts, len(catalogue.requests("/list"))) == ("cancelled", None, 0, 1)


def records(catalogue: Catalogue, *names: Any) -> list[Found]:
    """What is found in a list of JSON of records with these names."""
    catalogue.instead["/list"] = says(200, json.dumps([{"id": name} for name in names]).encode())
    settings = {"address": f"{catalogue.url}/list", "gives": "catalogue", "fields": {"id": "$.id"}}
    return found(alone("json_api", settings))


def test_a_record_without_a_name_fails_alone(catalogue: Catalogue) -> None:
    items = records(catalogue, "a", "", "b", None)
    assert errors(items) == [None, "harvest.odd_list", None, "harvest.odd_list"]
    assert len({item.guid for item in items}) == 4


@pytest.mark.parametrize("name", [None, "", " ", "\u200b", "\u0000"])
def test_a_name_of_which_nothing_is_left_is_none(catalogue: Catalogue, name: Any) -> None:
    catalogue.instead["/ensi"] = says(200, json.dumps([{"code": name}, {"code": 0}]).encode())
    ensi = found(alone("ensi", {"address": f"{catalogue.url}/ensi"}))
    for items in (records(catalogue, name, 0), ensi):
        assert [item.guid for item in items if item.error is None] == ["0"]
        assert errors(items) == ["harvest.odd_list", None]


def pages(catalogue: Catalogue, *pages: list[Any]) -> None:
    """The list of `Catalogue.settings`, with records of these names on its pages."""
    for number, names in enumerate([*pages, []], start=1):
        body = json.dumps({"items": [{"id": name} for name in names]}).encode()
        catalogue.instead[f"/list?page={number}"] = says(200, body)


@pytest.mark.parametrize("names", [(["a", "b"], [None]), ([None], ["a", "b"])], ids=["last", "first"])
def test_a_lone_record_of_a_page_fails_alone(run: Run, catalogue: Catalogue, names: tuple[list[Any], ...]) -> None:
    pages(catalogue, *names)
    listed(run)
    assert (run.seen, run.complete, run.error) == (3, False, "harvest.part_unread")
    assert sorted(str(item.error) for item in stored(run)) == ["None", "None", "harvest.odd_list"]


def test_a_list_of_which_nothing_can_be_read_fails_the_run(run: Run, catalogue: Catalogue) -> None:
    pages(catalogue, [None], [""])
    with pytest.raises(KzError) as caught:
        listed(run)
    assert (caught.value.code, "$.id" in caught.value.text("en")) == ("harvest.odd_list", True)


def test_a_part_that_is_read_when_the_list_is_read_again_has_not_failed(run: Run) -> None:
    """The first reading ends in an error behind parts that are broken then, of which one has other names once it is read."""
    broken = KzError("harvest.odd_list", problem="?")

    class Kind:
        readings = 0

        def discover(self, cursor: Any) -> Iterator[Page]:
            self.readings += 1
            is_first = self.readings == 1
            parts = [Found("b", error=broken), Found("? c", error=broken)] if is_first else [Found("b"), Found("c1")]
            yield Page([Found("a"), *parts], total=3)
            if is_first:
                raise KzError("harvest.source_busy", host="x", seconds=1)

    kind = Kind()
    with pytest.raises(KzError):
        discover(model.Session(), run, kind, 10)  # type: ignore[arg-type]
    model.Session().rollback()
    assert [item.error for item in stored(run)] == [None, "harvest.odd_list", "harvest.odd_list"]
    discover(model.Session(), run, kind, 10)  # type: ignore[arg-type]
    assert (run.seen, run.complete, run.error) == (3, True, None)
    assert sorted((item.guid, item.outcome) for item in stored(run)) == [("a", None), ("b", None), ("c1", None)]


def test_what_a_kind_finds_without_a_name_is_not_left_out(run: Run) -> None:
    class Kind:
        def discover(self, cursor: Any) -> Iterator[Page]:
            yield Page([Found("a"), Found("\u200b", "1"), Found("", "2")])

    discover(model.Session(), run, Kind(), 10)  # type: ignore[arg-type]
    assert (run.seen, run.complete, run.error) == (3, False, "harvest.part_unread")
    assert [item.error for item in stored(run)] == [None, "harvest.odd_list", "harvest.odd_list"]


def stored(run: Run) -> list[Item]:
    return list(model.Session().scalars(select(Item).where(Item.run_id == run.id).order_by(Item.position)))


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


def test_a_data_set_of_ckan_without_an_id_fails_alone(catalogue: Catalogue) -> None:
    listed = {0: [{"id": "1", "name": "a"}, {"name": "b"}, 5], 2: [5]}
    for start, found_there in listed.items():
        body = {"success": True, "result": {"count": 3, "results": found_there}}
        catalogue.instead[f"/api/3/action/package_search?start={start}&"] = says(200, json.dumps(body).encode())
    assert errors(found(alone("ckan", {"address": catalogue.url}))) == [None, "harvest.odd_list", "harvest.odd_list"]


def test_a_data_set_of_dcat_that_says_nothing_is_in_the_list(catalogue: Catalogue) -> None:
    turtle = b"""@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
    <http://x/1> a dcat:Dataset ; dct:accrualPeriodicity [] ; dcat:contactPoint "?" ; dcat:distribution "?" .
    <http://x/2> a dcat:Dataset ; dct:title "B" ."""
    catalogue.instead["/c.ttl"] = says(200, turtle, "text/turtle")
    harvester = alone("dcat", {"address": f"{catalogue.url}/c.ttl"})
    assert [harvester.describe(item).uri for item in found(harvester)] == ["1", "2"]

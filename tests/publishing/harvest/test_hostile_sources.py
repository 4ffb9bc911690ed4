"""Sources that are broken or mean: each is told in words, on the run or on its item, and nothing published is lost for it."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.harvest import batches, comparing, visiting
from ckanext.kzopen.publishing.harvest.discovery import discover
from ckanext.kzopen.publishing.harvest.model import Run, Source

from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Thing, cuts, drips, says, serving, stalls, table

BOMB = gzip.compress(bytes(8_000_000))
"""More than four times the megabyte that `published` allows."""
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>[x](javascript:alert(3))\u202e"


LISTS = {
    "html": (says(200, b"<html><body>Maintenance</body></html>", "text/html"), "harvest.not_json"),
    "404": (says(404), "harvest.not_there"),
    "401": (says(401), "harvest.not_let_in"),
    "metadata": (says(302, Location="http://169.254.169.254/latest/meta-data/"), "client.refused_address"),
    "file": (says(302, Location="file:///etc/passwd"), "client.refused_scheme"),
    "private": (says(302, Location="http://10.0.0.7/list"), "client.refused_address"),
    "bomb": (says(200, BOMB, "application/json", Content_Encoding="gzip"), "client.too_large"),
    "nested": (says(200, b"[" * 200_000, "application/json"), "harvest.not_json"),
    "odd": (says(200, json.dumps({"total": 1, "items": [{"title": "no id"}]}).encode()), "harvest.odd_list"),
}
FILES = {
    "404": (says(404), "harvest.not_there"),
    "html": (says(200, b"<!doctype html><table><tr><td>x</td></tr></table>", "text/html"), "harvest.not_a_table"),
    "loopback6": (says(302, Location="http://[::1]/x"), "client.refused_address"),
    "hexadecimal": (says(302, Location="http://0x7f000001/x"), "client.bad_address"),
    "bomb": (says(200, BOMB, "text/csv", Content_Encoding="gzip"), "client.too_large"),
}
PASSING = {
    "500": says(500),
    "cuts": cuts,
    "stalls": stalls(3),
    "drips": drips(4),
    "nowhere": says(302, Location="http://127.0.0.1.nip.invalid/x"),
}
TRIES = 3
SOON = ("500", "cuts")
"""Those of them that take no time."""


def published(harvest: Harvest, catalogue: Catalogue, items: int = 2, seconds: int = 2) -> None:
    """A source whose items are all published; it may take so many seconds, and a megabyte, for an answer."""
    catalogue.fill(items)
    harvest.ready("json_api", catalogue.settings(), defaults={"seconds": seconds, "megabytes": 1})
    assert counts(harvest.run())["added"] == items


def test_a_list_that_is_none_fails_the_run_and_withdraws_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    published(harvest, catalogue)
    found = {}
    for name, (answer, _) in LISTS.items():
        catalogue.instead["/list"] = answer
        run = harvest.run()
        found[name] = (run["state"], run["error"], run["removed"], bool(run["sentence"]))
    assert found == {name: ("failed", error, 0, True) for name, (_, error) in LISTS.items()}
    catalogue.instead.clear()
    again = harvest.run()
    assert (again["state"], again["error"], counts(again)["unchanged"]) == ("finished", None, 2)


def test_what_a_source_says_in_characters_that_cannot_be_stored_is_told_without_them(
    harvest: Harvest, catalogue: Catalogue
) -> None:
    """A run that could not note its own error would begin again for ever."""
    published(harvest, catalogue)
    too_many = b'{"total": 1000000000000000000000000000000, "items": []}'
    for said in (
        b"<html>\x00 maintenance",
        too_many,
        b'{"items": [{"id": NaN}]}',
        b'{"items": [{"id": "x", "changed": ["\\u0000\\ud800"]}]}',
    ):
        catalogue.instead["/list"] = says(200, said, "application/json")
        run = harvest.run()
        assert (run["state"], run["removed"], bool(run["sentence"])) == ("failed", 0, True), (said, run)


def test_a_list_that_repeats_its_pages_is_left(harvest: Harvest, catalogue: Catalogue) -> None:
    published(harvest, catalogue)
    catalogue.total = 100
    page = catalogue.page(1)
    catalogue.instead["/list"] = lambda handler: says(200, page + b" " * len(catalogue.asked))(handler)
    run = harvest.run()
    assert (run["state"], run["error"]) == ("failed", "harvest.loops")
    assert len(catalogue.asked) < 30


def test_a_list_whose_last_page_comes_again_ends_where_all_that_was_told_is_there(
    harvest: Harvest, catalogue: Catalogue
) -> None:
    """Some servers give the last page for every number behind it."""
    published(harvest, catalogue)
    page = catalogue.page(1)
    catalogue.instead["/list"] = says(200, page, "application/json")
    run = harvest.run()
    assert (run["state"], run["error"], run["complete"], run["removed"]) == ("finished", None, True, 0)


@pytest.mark.parametrize("end", [(400, b"no such page"), (416, b""), (200, b"null"), (200, b'{"total": 0, "items": []}')])
def test_a_page_behind_the_last_one_may_be_refused_or_tell_of_nothing(
    harvest: Harvest, catalogue: Catalogue, end: tuple[int, bytes]
) -> None:
    published(harvest, catalogue)
    catalogue.instead["/list?page=2"] = says(*end, "application/json")
    run = harvest.run()
    assert (run["state"], run["error"], run["complete"], run["removed"]) == ("finished", None, True, 0)


def test_a_source_that_lies_about_its_total_withdraws_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(10)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    del catalogue.things["set-003"]
    catalogue.total = 10
    run = harvest.run()
    assert (run["state"], run["complete"], run["error"]) == ("finished", False, "harvest.fewer_than_told")
    assert counts(run) == {"seen": 9, "added": 0, "changed": 0, "unchanged": 9, "removed": 0, "failed": 0}


def test_a_file_that_is_none_fails_its_item_only(harvest: Harvest, catalogue: Catalogue) -> None:
    published(harvest, catalogue, len(FILES) + 1)
    errors = {}
    for number, (answer, error) in enumerate(FILES.values()):
        catalogue.instead[f"/file/set-{number:03d}"] = answer
        errors[f"set-{number:03d}"] = error
    for number, name in enumerate(list(catalogue.things)):
        catalogue.things[name] = Thing(table(5, number), "2")
    run = harvest.run()
    assert counts(run) == {"seen": 6, "added": 0, "changed": 1, "unchanged": 0, "removed": 0, "failed": 5}
    items = harvest.items(run, "failed")
    assert {item["guid"]: item["error"] for item in items} == errors
    for item in items:
        assert item["sentence"]
        assert len(harvest.rows(item)) == 4, "the published version stays"


@pytest.mark.parametrize("kinds", [SOON, pytest.param(tuple(PASSING), marks=pytest.mark.long)], ids=["soon", "all"])
def test_what_may_pass_is_tried_again_and_given_up_in_the_end(
    harvest: Harvest, catalogue: Catalogue, kinds: tuple[str, ...]
) -> None:
    published(harvest, catalogue, len(kinds), seconds=1)
    for number, (name, answer) in enumerate(zip(list(catalogue.things), map(PASSING.get, kinds), strict=True)):
        catalogue.things[name] = Thing(table(5, number), "2")
        catalogue.instead[f"/file/{name}"] = answer
    began = time.monotonic()
    with in_a_crisis(harvest) as (other, under_way):
        run = harvest.run()
        passed = other.ended(under_way)
    assert (passed["state"], passed["error"], counts(passed)["unchanged"]) == ("finished", None, 2)
    items = harvest.items(run, "failed")
    assert ([item["attempts"] for item in items], run["state"]) == ([TRIES] * len(kinds), "finished")
    assert time.monotonic() - began > 2, "it did not wait between the tries"
    catalogue.instead.clear()
    retried = harvest.post(f"/runs/{run['id']}/retry")
    assert retried.status_code == 201, retried.json
    ended = harvest.ended(retried.json["id"])
    assert (ended["purpose"], counts(ended)["changed"], ended["error"]) == ("retry", len(kinds), None)
    assert [len(harvest.rows(item)) for item in items] == [6] * len(kinds)


@contextmanager
def in_a_crisis(harvest: Harvest) -> Iterator[tuple[Harvest, str]]:
    """Another source, which answers the third time that it is asked, and the number of its run, which is under way."""
    other, failures = Harvest(harvest.app, harvest.agency), iter([503, 500])
    with serving(Catalogue()) as catalogue:

        def recovers(handler: Any) -> None:
            status = next(failures, None)
            if status is None:
                del catalogue.instead["/list"]
                says(200, catalogue.page(1), "application/json")(handler)
            else:
                says(status, Retry_After="1")(handler)

        published(other, catalogue)
        catalogue.instead["/list"] = recovers
        yield other, other.run(wait=False)["id"]


def test_changed_columns_wait_for_a_person(harvest: Harvest, catalogue: Catalogue) -> None:
    published(harvest, catalogue)
    catalogue.things["set-000"] = Thing(b"code,total\nk1,2\n", "2")
    run = harvest.run()
    item = harvest.items(run, "failed")[0]
    assert (item["error"], "amount" in item["sentence"]) == ("harvest.columns_changed", True)
    assert harvest.rows(item)[0] == ["code", "amount"]
    retried = harvest.post(f"/runs/{run['id']}/retry", guids=[item["guid"]], columns=True).json
    ended = harvest.ended(retried["id"])
    assert counts(ended)["changed"] == 1
    # A table that loses a column is quarantined by the publish path, whoever sends it.
    assert harvest.items(ended)[0]["error"] == "harvest.needs_decision"
    assert harvest.rows(item)[0] == ["code", "amount"]


def test_new_columns_are_taken_as_they_come(harvest: Harvest, catalogue: Catalogue) -> None:
    published(harvest, catalogue)
    catalogue.things["set-000"] = Thing(b"code,amount,note\nk1,2,x\nk2,3,y\nk3,4,z\n", "2")
    run = harvest.run()
    assert harvest.rows(harvest.items(run, "changed")[0])[0] == ["code", "amount", "note"]


def test_an_item_whose_first_table_was_refused_is_its_source_s_all_the_same(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(2)
    harvest.ready("json_api", catalogue.settings(key_columns=["code"]))
    assert counts(harvest.run())["added"] == 2
    catalogue.things["set-002"] = Thing(b"code,amount\nk1,1\nk1,2\n", "1")
    run = harvest.run()
    assert harvest.items(run, "failed")[0]["error"] == "harvest.refused"
    catalogue.things["set-002"] = Thing(table(3), "2")
    again = harvest.run()
    added = {"seen": 3, "added": 1, "changed": 0, "unchanged": 2, "removed": 0, "failed": 0}
    assert counts(again) == added, harvest.items(again, "failed")


def test_another_s_data_set_is_not_taken_over(harvest: Harvest, catalogue: Catalogue, app: CKANTestApp) -> None:
    catalogue.fill(1)
    own = Api(app, harvest.agency.token)
    uri = f"{harvest.name[-10:]}-set-000"
    from tests.publishing.conftest import passport

    assert own.put(uri, passport(harvest.agency.name)).status_code == 201
    harvest.add("json_api", catalogue.settings())
    run = harvest.run("preview")
    assert harvest.items(run)[0]["error"] == "harvest.uri_is_taken"


def test_an_item_that_is_named_like_another_s_id_takes_nothing_over(harvest: Harvest, catalogue: Catalogue) -> None:
    made = model.Package(name=f"foreign-{uuid4().hex[:8]}", owner_org=harvest.agency.id)
    model.Session.add(made)
    model.Session.commit()
    catalogue.things[made.id] = Thing(table(1), "1")
    harvest.add("json_api", catalogue.settings(), defaults={"prefix": ""})
    run = harvest.run("preview")
    assert [(item["uri"], item["error"]) for item in harvest.items(run)] == [(made.id, "harvest.uri_is_taken")]
    made.purge()
    model.Session.commit()


def test_markup_in_harvested_texts_does_nothing(harvest: Harvest, catalogue: Catalogue, app: CKANTestApp) -> None:
    catalogue.things["set-000"] = Thing(f'code,note\nk1,"{NASTY}"\n'.encode(), "1", NASTY)
    harvest.ready("json_api", catalogue.settings())
    run = harvest.run()
    uri = harvest.items(run, "added")[0]["uri"]
    resource = app.get(f"/api/3/action/package_show?id={uri}").json["result"]["resources"][0]["id"]
    for path in (f"/dataset/{uri}", f"/dataset/{uri}/resource/{resource}", "/dataset", f"/dataset/activity/{uri}"):
        page = app.get(path).data.decode()
        assert "<script>alert" not in page, path
        assert "onerror=alert" not in page.replace("&lt;img src=x onerror=alert", ""), path
        assert 'href="javascript:' not in page, path
    assert "\u202e" not in Api(app).get(f"/datasets/{uri}").json["title"]["ru"]


def test_a_source_pauses_between_requests(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    harvest.ready("json_api", catalogue.settings(), defaults={"pause": 0.4})
    asked: list[float] = []

    def noted(handler: Any) -> None:
        asked.append(time.monotonic())
        says(200, table(3), "text/csv")(handler)

    catalogue.instead["/file/"] = noted
    assert counts(harvest.run())["added"] == 3
    assert min(later - earlier for earlier, later in pairwise(asked)) > 0.2  # by the source's clock, on a busy machine


def test_two_batches_at_most_ask_one_host_at_the_same_time(run: Run, harvest: Harvest, catalogue: Catalogue) -> None:
    """The worker has places for four."""
    catalogue.fill(6)

    def slowly(handler: Any) -> None:
        time.sleep(0.5)
        says(200, table(3), "text/csv")(handler)

    catalogue.instead["/file/"] = slowly
    session = model.Session()
    source = session.get_one(Source, run.source_id)
    with visiting.visit(session, source, run) as visit:
        discover(session, run, visit.harvester, 10)
    assert comparing.make_batches(session, run, size=1) == 6
    run.state, catalogue.busiest = "fetching", 0
    batches.defer_all(session, source, run)
    session.commit()
    assert counts(harvest.ended(str(run.id)))["added"] == 6
    assert catalogue.busiest == 2

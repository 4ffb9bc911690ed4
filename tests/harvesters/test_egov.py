"""A portal like data.egov.kz: passports, tables with a key and without, versions, errors, an order that is none."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harvesters.egov_portal import KEY, Portal
from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Answer, Catalogue, Handler, says


def test_a_portal_is_read_with_its_passports(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    harvest.ready("egov", {"address": catalogue.url, "key": KEY, "rows": 3})
    run = harvest.run()
    assert counts(run) == {"seen": 15, "added": 15, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    item = harvest.items(run)[0]
    assert harvest.rows(item) == [["id", "kurs"], ["1", "1.50"], ["2", "2.50"], ["3", "3.50"]]
    told = Api(harvest.app).get(f"/datasets/{item['uri']}").json
    assert (told["title"]["kk"], told["periodicity"]) == ("Жинақ opendata_api_uri0", "WEEKLY")
    assert told["responsible"]["email"] == "data@example.org"
    assert told["schema"]["fields"][1]["title_translated"] == {"kk": "Бағам", "ru": "Курс"}
    portal.sets["opendata_api_uri3"] = "2026-02-02T00:00:00.000"
    catalogue.asked.clear()
    again = harvest.run()
    assert counts(again)["unchanged"] == 15, "the bytes are the same"
    asked = [path for path in catalogue.requests("/api/v4/") if "mapping" not in path]
    assert len(asked) == 2, "only the one whose date changed was read"


@pytest.mark.parametrize("named", [True, False], ids=["columns named", "columns unknown"])
def test_without_a_key_tables_are_read_where_they_are_open(harvest: Harvest, catalogue: Catalogue, named: bool) -> None:
    portal = Portal(catalogue)
    portal.sets, portal.most, portal.named = dict(list(portal.sets.items())[:2]), 2, named  # fewer at once than asked for
    harvest.ready("egov", {"address": catalogue.url})
    run = harvest.run()
    assert counts(run) == {"seen": 2, "added": 2, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    header, *rows = harvest.rows(harvest.items(run)[0])
    assert (header, [number for number, _ in rows]) == (["id", "kurs"], ["1", "2", "3"])
    assert catalogue.requests("/api/v4/opendata") == []
    assert not [path for path in catalogue.requests("/api/detailed/") if "apiKey" in path]


def test_with_a_key_a_table_is_read_to_its_end_however_few_rows_come_at_once(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    portal.sets, portal.most_with_key, portal.farthest = dict(list(portal.sets.items())[:1]), 2, 5_000
    harvest.ready("egov", {"address": catalogue.url, "key": KEY})
    _header, *rows = harvest.rows(harvest.items(harvest.run())[0])
    assert [number for number, _ in rows] == ["1", "2", "3"]
    assert len(catalogue.requests("/api/v4/")) >= 3, "two with rows, and the empty one that is the end"


@pytest.mark.parametrize("rows", [1, 3])
def test_a_table_that_begins_again_and_again_is_not_published(harvest: Harvest, catalogue: Catalogue, rows: int) -> None:
    portal = Portal(catalogue)
    portal.sets, portal.loops, portal.rows_of_each = dict(list(portal.sets.items())[:1]), True, rows
    harvest.add("egov", {"address": catalogue.url, "key": KEY})
    item = harvest.items(harvest.run("preview"))[0]
    assert (item["outcome"], item["error"]) == ("failed", "harvest.loops")


def test_a_table_that_ends_before_it_should_is_not_published(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    portal.sets, portal.told = {"opendata_api_uri0": "2026-01-01T00:00:00.000"}, 5
    harvest.add("egov", {"address": catalogue.url})
    item = harvest.items(harvest.run("preview"))[0]
    assert (item["outcome"], item["error"]) == ("failed", "harvest.fewer_rows_than_told")


def test_without_a_key_each_table_that_is_not_open_fails_in_words(harvest: Harvest, catalogue: Catalogue) -> None:
    Portal(catalogue).detailed_is_open = False
    harvest.add("egov", {"address": catalogue.url})
    run = harvest.run("preview")
    assert counts(run)["failed"] == 15
    assert harvest.items(run)[0]["error"] == "harvest.not_let_in"
    assert harvest.post(f"/sources/{harvest.name}/switch_on").json["code"] == "harvest.not_previewed"


@pytest.mark.parametrize("key", ["", KEY], ids=["open", "with a key"])
@pytest.mark.parametrize(
    ("versions", "newest"), [(("v9", "v302", "v310"), "v310"), (("v1", "data"), "data")], ids=["numbers", "a large register"]
)
def test_the_newest_version_of_a_data_set_is_read_and_no_other(
    harvest: Harvest, catalogue: Catalogue, key: str, versions: tuple[str, ...], newest: str
) -> None:
    portal = Portal(catalogue, sets=1)
    portal.versions = versions
    harvest.ready("egov", {"address": catalogue.url} | ({"key": key} if key else {}))
    run = harvest.run()
    assert counts(run)["added"] == 1, harvest.items(run)
    assert [row[1] for row in harvest.rows(harvest.items(run)[0])[1:]] == [f"{n}.{newest}" for n in (1, 2, 3)]


@pytest.mark.parametrize("key", ["", KEY], ids=["open", "with a key"])
def test_rows_without_an_order_are_asked_for_in_one(harvest: Harvest, catalogue: Catalogue, key: str) -> None:
    portal = Portal(catalogue, sets=1)
    portal.stable, portal.rows_of_each, portal.told = False, 20, 20
    harvest.ready("egov", {"address": catalogue.url, "rows": 10} | ({"key": key} if key else {}))
    run = harvest.run()
    rows = harvest.rows(harvest.items(run)[0])[1:]
    assert sorted(int(number) for number, _ in rows) == list(range(1, 21))


@pytest.mark.parametrize("key", ["", KEY], ids=["open", "with a key"])
@pytest.mark.parametrize("numbered", [True, False], ids=["numbered", "not numbered"])
def test_a_table_with_rows_that_come_twice_is_not_published(
    harvest: Harvest, catalogue: Catalogue, key: str, numbered: bool
) -> None:
    """A server that takes no order gives some rows twice, and others never."""
    portal = Portal(catalogue, sets=1)
    portal.stable, portal.sorts, portal.numbered, portal.rows_of_each, portal.told = False, False, numbered, 20, 20
    harvest.add("egov", {"address": catalogue.url, "rows": 10} | ({"key": key} if key else {}))
    item = harvest.items(harvest.run("preview"))[0]
    assert (item["outcome"], item["error"]) == ("failed", "harvest.loops")


def test_no_order_is_asked_for_by_a_column_that_a_table_does_not_have(harvest: Harvest, catalogue: Catalogue) -> None:
    Portal(catalogue, sets=1).named = False
    harvest.add("egov", {"address": catalogue.url})
    harvest.run("preview")
    queries = [parse_qs(urlsplit(path).query)["source"][0] for path in catalogue.requests("/api/detailed/")]
    assert queries
    assert all("sort" not in json.loads(query) for query in queries)


@pytest.mark.parametrize("key", ["", KEY], ids=["open", "with a key"])
def test_an_error_in_a_good_answer_fails_its_item_in_the_portal_s_words(
    harvest: Harvest, catalogue: Catalogue, key: str
) -> None:
    Portal(catalogue, sets=1)
    refused = says(200, json.dumps({"error": "Набор данных на обновлении"}).encode(), "application/json")
    catalogue.instead = {f"/api/{'v4' if key else 'detailed'}/opendata_api_uri0": refused} | catalogue.instead
    harvest.add("egov", {"address": catalogue.url} | ({"key": key} if key else {}))
    item = harvest.items(harvest.run("preview"))[0]
    assert (item["error"], "Набор данных на обновлении" in item["sentence"]) == ("harvest.odd_list", True)


def test_a_portal_that_fails_now_and_then_is_read_in_the_end(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue, sets=4)
    harvest.ready("egov", {"address": catalogue.url, "key": KEY})
    portal.sets = dict.fromkeys(portal.sets, "2026-03-03T00:00:00.000")
    failures = {
        "/datasets/getdatasetsre?": 502,
        "/api/v4/mapping/opendata_api_uri1": 501,
        "/meta/opendata_api_uri2": 500,
        "/api/v4/opendata_api_uri3": 502,
    }
    catalogue.instead = {path: fails_once(catalogue, path, status) for path, status in failures.items()} | catalogue.instead
    run = harvest.run()
    assert (run["state"], counts(run)["added"]) == ("finished", 4), harvest.items(run)
    assert not failures.keys() & catalogue.instead.keys(), "each was met"


def fails_once(catalogue: Catalogue, path: str, status: int) -> Answer:
    def answer(handler: Handler) -> None:
        del catalogue.instead[path]
        says(status)(handler)

    return answer

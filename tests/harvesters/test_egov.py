"""A stand-in for a portal like data.egov.kz: ten sets a page, passports without a key, 204 at the end of a table.

`/api/v4` wants a key and gives bare rows; `/api/detailed` is open, tells how many there are, and gives at most `most` at once.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Handler, send

KEY = "0123456789abcdef0123456789abcdef"


class Portal:
    """Fifteen data sets; each has a table of three rows whose numbers are texts, as there."""

    most = 10_000
    told = 3
    named = True
    detailed_is_open = True
    most_with_key = 10_000
    farthest = 1_000_000
    """As Elasticsearch has it: it refuses to look farther ahead."""
    loops = False
    rows_of_each = 3

    def __init__(self, catalogue: Catalogue) -> None:
        self.sets = {f"opendata_api_uri{n}": "2026-01-01T00:00:00.000" for n in range(15)}
        catalogue.instead |= {
            "/datasets/getdatasetsrecount": self.total,
            "/datasets/getdatasetsre": self.page,
            "/meta/": self.meta,
            "/api/v4/": self.rows,
            "/api/detailed/": self.detailed,
        }

    def values(self, handler: Handler) -> dict[str, str]:
        return {name: found[0] for name, found in parse_qs(urlsplit(handler.path).query).items()}

    def total(self, handler: Handler) -> None:
        answer(handler, {"totalCount": len(self.sets)})

    def page(self, handler: Handler) -> None:
        number = int(self.values(handler)["page"])
        names = list(self.sets)[(number - 1) * 10 : number * 10]  # ten, whatever `count` says
        answer(handler, {"datasets": [{"apiUri": n, "modifiedDate": self.sets[n], "actualizeType": "WEEKLY"} for n in names]})

    def meta(self, handler: Handler) -> None:
        name = handler.path.split("/")[2].split("?")[0]
        fields = {
            "id": {"type": "Int", "labelRu": "Номер", "labelKk": "Нөмірі"},
            "kurs": {"type": "String", "labelRu": "Курс", "labelKk": "Бағам"},
        }
        words = {"nameRu": f"Набор {name}", "nameKk": f"Жинақ {name}", "nameEn": "", "descriptionRu": "О наборе"}
        owner = {"fullnameRu": "Отдел данных", "email": "data@example.org"}
        told = {"apiUri": name, "fields": fields if self.named else {}, "keywords": "курс, валюта", "responsible": owner}
        answer(handler, told | words)

    def rows(self, handler: Handler) -> None:
        asked = json.loads(self.values(handler)["source"])
        if self.values(handler).get("apiKey") != KEY:
            send(handler, 403, b"")
        elif asked["from"] + asked["size"] > self.farthest:
            send(handler, 500, b"Result window is too large")
        elif found := self.some(handler, self.most_with_key):
            answer(handler, found)
        else:
            send(handler, 204, b"")

    def detailed(self, handler: Handler) -> None:
        if not self.detailed_is_open:
            send(handler, 403, b"")
        elif found := self.some(handler, self.most):
            answer(handler, {"totalCount": self.told, "data": [{**row, "_index": "opendata"} for row in found]})
        else:
            send(handler, 204, b"")

    def some(self, handler: Handler, most: int = 10_000) -> list[dict[str, str]]:
        query = json.loads(self.values(handler)["source"])
        every = [{"id": str(n), "kurs": f"{n}.50", "_id": f"x{n}"} for n in range(1, self.rows_of_each + 1)]
        return every[0 if self.loops else query["from"] :][: min(query["size"], most)]


def answer(handler: Handler, document: Any) -> None:
    send(handler, 200, json.dumps(document, ensure_ascii=False).encode(), "application/json; charset=utf-8")


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
    assert len(catalogue.requests("/api/v4/")) == 2, "only the one whose date changed was read"


@pytest.mark.parametrize("named", [True, False], ids=["columns named", "columns unknown"])
def test_without_a_key_tables_are_read_where_they_are_open(harvest: Harvest, catalogue: Catalogue, named: bool) -> None:
    portal = Portal(catalogue)
    portal.sets, portal.most, portal.named = dict(list(portal.sets.items())[:2]), 2, named  # fewer at once than asked for
    harvest.ready("egov", {"address": catalogue.url})
    run = harvest.run()
    assert counts(run) == {"seen": 2, "added": 2, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    header, *rows = harvest.rows(harvest.items(run)[0])
    assert (header, [number for number, _ in rows]) == (["id", "kurs"], ["1", "2", "3"])
    assert catalogue.requests("/api/v4/") == []
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

"""Servers that give fewer rows at once than they are asked for, and say in other ways where a table ends."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Answer, Catalogue, Handler, send

ROWS = [{"id": str(number), "code": str(number), "name_ru": "И", "name_rus": "И"} for number in range(25)]
AT_ONCE = 10
"""Rows, however many are asked for."""
OFFSETS = {"paging": "offset", "page_param": "offset", "size_param": "limit", "size": 1000}
PAGES = {"paging": "page", "page_param": "page", "size_param": "limit", "size": 1000}


def capped(behind: str = "empty") -> Answer:
    """What is given `behind` the end: an empty page, none at all, or the last one once more."""

    def answer(handler: Handler) -> None:
        values = {name: found[0] for name, found in parse_qs(urlsplit(handler.path).query).items()}
        asked = json.loads(values.get("source", "{}"))
        begin = asked.get("from", int(values.get("offset", (int(values.get("page", 1)) - 1) * AT_ONCE)))
        if begin >= len(ROWS) and behind == "last":
            begin = (len(ROWS) - 1) // AT_ONCE * AT_ONCE
        rows = ROWS[begin : begin + min(AT_ONCE, asked.get("size", AT_ONCE))]
        if rows or behind == "empty":
            send(handler, 200, json.dumps({"rows": rows, "total": len(ROWS)} if "/rows" in handler.path else rows).encode())
        else:
            send(handler, 404, b"")

    return answer


def preview(harvest: Harvest, kind: str, settings: dict[str, Any]) -> tuple[str | None, int]:
    """The error of the one item, and how many rows it has."""
    harvest.add(kind, settings)
    item = harvest.items(harvest.run("preview"))[0]
    return item["error"], (item["differences"] or {}).get("rows", 0)


@pytest.mark.parametrize("way", [OFFSETS, PAGES], ids=["offset", "page"])
@pytest.mark.parametrize("behind", ["empty", "none"])
def test_the_records_of_an_api(harvest: Harvest, catalogue: Catalogue, way: dict[str, Any], behind: str) -> None:
    catalogue.instead["/rows"] = capped(behind)
    settings = {"address": f"{catalogue.url}/rows", "records": "$.rows[*]", "name": "rows", "title_ru": "Р"}
    assert preview(harvest, "json_api", settings | way) == (None, len(ROWS))


def test_the_records_of_an_api_that_repeats_its_last_page_end_where_it_tells(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.instead["/rows"] = capped("last")
    settings = {"address": f"{catalogue.url}/rows", "records": "$.rows[*]", "name": "rows", "title_ru": "Р", **PAGES}
    assert preview(harvest, "json_api", settings) == ("harvest.loops", 0)
    again = Harvest(harvest.app, harvest.agency)
    assert preview(again, "json_api", settings | {"total_path": "$.total"}) == (None, len(ROWS))


def test_the_records_of_an_api_that_ends_before_its_total_are_not_published(harvest: Harvest, catalogue: Catalogue) -> None:
    told = {"rows": ROWS, "total": len(ROWS) + 1}
    catalogue.instead["/rows"] = lambda handler: send(handler, 200, json.dumps(told).encode())
    settings = {"address": f"{catalogue.url}/rows", "records": "$.rows[*]", "name": "rows", "total_path": "$.total"}
    assert preview(harvest, "json_api", settings) == ("harvest.fewer_rows_than_told", 0)


def test_the_entries_of_a_classifier(harvest: Harvest, catalogue: Catalogue) -> None:
    listed = [{"code": "regions", "version": "1", "name_ru": "Регионы"}]
    catalogue.instead["/ensi/regions/entries"] = capped()
    catalogue.instead["/ensi"] = lambda handler: send(handler, 200, json.dumps(listed).encode())
    assert preview(harvest, "ensi", {"address": f"{catalogue.url}/ensi"}) == (None, len(ROWS))


def test_the_units_of_an_address_register(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.instead["/api/v4/s_ats/data"] = capped()
    assert preview(harvest, "address_register", {"address": catalogue.url}) == (None, len(ROWS))

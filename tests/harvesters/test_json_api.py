"""Three different APIs through one kind, and every way of paging."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Answer, Catalogue, Handler, send

SCHOOLS = [{"bin": f"{n:012d}", "name": f"Мектеп {n}", "info": {"pupils": n * 10}} for n in range(1, 8)]
WANTED = [["bin", "name", "pupils"], *[[one["bin"], one["name"], str(one["info"]["pupils"])] for one in SCHOOLS]]
COLUMNS = {"bin": "$.bin", "name": "$.name", "pupils": "$.info.pupils"}


def api(answer: Any) -> Answer:
    """An answer that is computed from the query: `answer(values)` gives the document and headers."""

    def answered(handler: Handler) -> None:
        values = {name: found[0] for name, found in parse_qs(urlsplit(handler.path).query).items()}
        document, headers = answer(values, handler)
        send(handler, 200, json.dumps(document).encode(), "application/json", **headers)

    return answered


def pages(values: dict[str, str], _: Handler) -> Any:
    number = int(values.get("page", 1))
    return {"data": SCHOOLS[(number - 1) * 3 : number * 3]}, {}


def offsets(values: dict[str, str], _: Handler) -> Any:
    begin = int(values.get("skip", 0))
    return {"data": SCHOOLS[begin : begin + int(values.get("take", 3))]}, {}


def cursors(values: dict[str, str], _: Handler) -> Any:
    begin = int(values.get("after", 0))
    more = begin + 3 < len(SCHOOLS)
    return {"data": SCHOOLS[begin : begin + 3], "meta": {"after": str(begin + 3) if more else None}}, {}


def bodies(values: dict[str, str], handler: Handler) -> Any:
    begin = int(values.get("at", 0))
    following = f"/api?at={begin + 3}" if begin + 3 < len(SCHOOLS) else None
    return {"data": SCHOOLS[begin : begin + 3], "next": following}, {}


def links(values: dict[str, str], handler: Handler) -> Any:
    begin = int(values.get("at", 0))
    following = {"Link": f'</api?at={begin + 3}>; rel="next"'} if begin + 3 < len(SCHOOLS) else {}
    return {"data": SCHOOLS[begin : begin + 3]}, following


def whole(values: dict[str, str], _: Handler) -> Any:
    return {"data": SCHOOLS}, {}


@pytest.mark.parametrize(
    ("answer", "settings"),
    [
        (whole, {}),
        (pages, {"paging": "page"}),
        (offsets, {"paging": "offset", "page_param": "skip", "size_param": "take", "size": 3}),
        (cursors, {"paging": "cursor", "page_param": "after", "next_path": "$.meta.after"}),
        (bodies, {"paging": "next", "next_path": "$.next"}),
        (links, {"paging": "link"}),
    ],
    ids=["whole", "page", "offset", "cursor", "next", "link"],
)
def test_a_list_is_read_to_its_end(harvest: Harvest, catalogue: Catalogue, answer: Any, settings: dict[str, Any]) -> None:
    catalogue.instead["/api"] = api(answer)
    told = {"address": f"{catalogue.url}/api", "records": "$.data[*]", "name": "schools", "columns": COLUMNS}
    harvest.add("json_api", told | {"title_ru": "Школы", "key_columns": ["bin"]} | settings)
    found = harvest.items(harvest.run("preview"))[0]
    assert (found["error"], found["differences"]["rows"], found["differences"]["errors"]) == (None, 7, 0)
    assert found["differences"]["columns"] == {
        "bin": [None, "string"],
        "name": [None, "string"],
        "pupils": [None, "integer"],
    }


def test_the_first_api_gives_a_table_with_a_key_in_a_header(harvest: Harvest, catalogue: Catalogue) -> None:
    def closed(handler: Handler) -> None:
        if handler.headers.get("X-API-KEY") != "letmein":
            send(handler, 403, b"no")
        else:
            api(pages)(handler)

    catalogue.instead["/v2/schools"] = closed
    told = {"address": f"{catalogue.url}/v2/schools?lang=kk", "records": "$.data[*]", "paging": "page", "name": "schools"}
    harvest.ready(
        "json_api", told | {"columns": COLUMNS, "key_header": "X-API-KEY", "key": "letmein", "title_kk": "Мектептер"}
    )
    run = harvest.run()
    assert counts(run)["added"] == 1
    assert harvest.rows(harvest.items(run)[0]) == WANTED
    assert all("lang=kk" in path for path in catalogue.requests("/v2"))


def test_the_second_api_gives_plain_records_whose_change_is_seen_in_the_bytes(harvest: Harvest, catalogue: Catalogue) -> None:
    rows = [{"code": "A1", "rate": 1.10}, {"code": "B2", "rate": 2.5}]
    catalogue.instead["/rates"] = lambda handler: send(handler, 200, json.dumps(rows).encode())
    harvest.ready("json_api", {"address": f"{catalogue.url}/rates", "name": "rates", "title_ru": "Курсы"})
    assert counts(harvest.run())["added"] == 1
    assert counts(harvest.run())["unchanged"] == 1
    rows[1]["rate"] = 2.75
    run = harvest.run()
    assert counts(run)["changed"] == 1
    assert harvest.rows(harvest.items(run)[0])[2] == ["B2", "2.75"]


def test_the_third_api_is_a_catalogue_of_files(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    harvest.ready("json_api", catalogue.settings())
    assert counts(harvest.run())["added"] == 3

"""Tables that never end or begin again: each kind that reads a table in pages leaves them, and says so on the item."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import lines

from tests.harvesters.egov_portal import KEY, Portal
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue, Handler, send

Table = Callable[[int, int], list[dict[str, Any]]]
"""What a server gives for `begin` and `size`."""
LONG = "ұ" * 500


def row(number: int, text: str = "") -> dict[str, Any]:
    """One that each of the kinds takes."""
    names = {"name_ru": "Имя", "name_kk": "Атауы", "name_rus": "Имя", "name_kaz": text or "Атауы"}
    return {"id": f"{number}", "code": f"{number}", **names}


def answering(table: Table, wrapped: bool = False) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        values = {name: found[0] for name, found in parse_qs(urlsplit(handler.path).query).items()}
        asked = json.loads(values["source"]) if "source" in values else {}
        begin = asked.get("from", int(values.get("offset", 0)))
        size = asked.get("size", int(values.get("limit", 10)))
        rows: Any = table(begin, size)
        send(handler, 200, json.dumps({"at": time.time(), "rows": rows} if wrapped else rows).encode(), "application/json")

    return answer


def address_register(catalogue: Catalogue, table: Table) -> tuple[str, dict[str, Any]]:
    catalogue.instead["/api/v4/s_ats/data"] = answering(table)
    return "address_register", {"address": catalogue.url, "rows": 10}


def ensi(catalogue: Catalogue, table: Table) -> tuple[str, dict[str, Any]]:
    catalogue.instead["/ensi/regions/entries"] = answering(table)
    listed = [{"code": "regions", "version": "1", "name_ru": "Регионы"}]
    catalogue.instead["/ensi"] = lambda handler: send(handler, 200, json.dumps(listed).encode(), "application/json")
    return "ensi", {"address": f"{catalogue.url}/ensi", "page": 10}


def json_api(catalogue: Catalogue, table: Table) -> tuple[str, dict[str, Any]]:
    """Its answers tell the time, so no two are the same."""
    catalogue.instead["/rows"] = answering(table, wrapped=True)
    paging = {"paging": "offset", "page_param": "offset", "size_param": "limit", "size": 10}
    return "json_api", {"address": f"{catalogue.url}/rows", "records": "$.rows[*]", "name": "rows", "title_ru": "Р", **paging}


def egov(catalogue: Catalogue, table: Table) -> tuple[str, dict[str, Any]]:
    Portal(catalogue, sets=1)
    catalogue.instead = {"/api/v4/opendata": answering(table)} | catalogue.instead
    return "egov", {"address": catalogue.url, "key": KEY, "rows": 10}


KINDS = [address_register, ensi, json_api, egov]


def failed(harvest: Harvest, kind: str, settings: dict[str, Any]) -> str:
    """The error of the one item that the source has."""
    harvest.add(kind, settings, defaults={"megabytes": 1})
    item, *others = harvest.items(harvest.run("preview"))
    assert (others, item["outcome"], bool(item["sentence"])) == ([], "failed", True)
    return str(item["error"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "table",
    [
        lambda begin, size: [row(number) for number in range(size)],
        lambda begin, size: [row(number) for number in range(3)],
        lambda begin, size: [row(number + begin // size % 2 * 100) for number in range(size)],
    ],
    ids=["the same page", "the same short page", "two pages by turns"],
)
def test_a_table_that_begins_again_is_left(harvest: Harvest, catalogue: Catalogue, kind: Any, table: Table) -> None:
    assert failed(harvest, *kind(catalogue, table)) == "harvest.loops"
    assert len(catalogue.asked) < 15


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_never_ends_is_left_when_its_pages_are_as_large_as_an_answer_may_be(
    harvest: Harvest, catalogue: Catalogue, kind: Any
) -> None:
    endless = lambda begin, size: [row(begin + number, LONG) for number in range(size * 10)]  # noqa: E731
    assert failed(harvest, *kind(catalogue, endless)) == "client.too_large"
    assert len(catalogue.asked) < 40


def test_rows_that_grow_when_they_are_written_are_left_in_time(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.instead["/rows"] = answering(lambda begin, size: [{}] * 100_000, wrapped=True)
    columns = {f"a_column_with_a_long_name_{number}": "$.a" for number in range(9)}
    settings = {"address": f"{catalogue.url}/rows", "records": "$.rows[*]", "name": "rows", "columns": columns}
    assert failed(harvest, "json_api", settings) == "client.too_large"


def test_lines_are_written_up_to_the_limit(tmp_path: Path) -> None:
    assert lines.write([{"a": 1}] * 10, tmp_path / "lines", limit=90) == 10
    with pytest.raises(KzError) as refused:
        lines.write([{"a": 1}] * 10, tmp_path / "lines", limit=89)
    assert refused.value.code == "client.too_large"


@pytest.mark.parametrize("kind", KINDS)
def test_who_cancels_a_run_ends_the_reading_of_a_table_between_two_pages(
    harvest: Harvest, catalogue: Catalogue, kind: Any
) -> None:
    def slowly(begin: int, size: int) -> list[dict[str, Any]]:
        time.sleep(0.2)
        return [row(begin + number) for number in range(size)]

    harvest.add(*kind(catalogue, slowly))
    number = harvest.run("preview", wait=False)["id"]
    until = time.monotonic() + 60
    while len(catalogue.asked) < 6:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert harvest.post(f"/runs/{number}/cancel").status_code == 200
    asked = 0
    while asked < len(catalogue.asked):  # five pages might come meanwhile
        assert time.monotonic() < until
        asked = len(catalogue.asked)
        time.sleep(1)
    assert [item["error"] for item in harvest.items({"id": number})] == ["harvest.cancelled"]

"""Kinds `ckan` and `dcat` read a second portal of ours over HTTP, with other databases and its demonstration content."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from tests.conftest import LivePortal
from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts

AGENCY = "demo-szh"
LETTER = re.compile(r"[^\W\d_]")


@pytest.fixture
def second(live_portal: LivePortal) -> str:
    """The address of the second portal."""
    return live_portal.url


def sets_of(second: str, agency: str) -> list[dict[str, Any]]:
    asked = {"fq": f"organization:{agency}", "rows": 100}
    found = httpx.get(f"{second}/api/3/action/package_search", params=asked, timeout=60).json()["result"]["results"]
    assert found, f"the demonstration content has nothing of {agency}"
    return list(found)


def whole(there: list[dict[str, Any]]) -> dict[str, int]:
    """The counts of a first run that brought everything."""
    return {"seen": len(there), "added": len(there), "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}


def spoken(rows: Iterable[list[str]]) -> list[list[str]]:
    """The header, and of each row the cells with letters: numbers and times are written as their types, found anew, ask."""
    return [[cell for cell in row if LETTER.search(cell)] for row in rows]


def passport_at(second: str, name: str) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{second}/api/universal/v1/datasets/{name}", timeout=60).json()
    return told


def test_a_portal_like_this_one_is_read_with_its_passports(harvest: Harvest, second: str) -> None:
    there = sets_of(second, AGENCY)
    harvest.ready("ckan", {"address": second, "query": f"organization:{AGENCY}"}, defaults={"seconds": 60})
    run = harvest.run()
    assert counts(run) == whole(there), harvest.items(run, "failed")
    for package in there:
        uri = f"{harvest.name[-10:]}-{package['name']}"
        theirs, ours = passport_at(second, package["name"]), Api(harvest.app).get(f"/datasets/{uri}").json
        for name in ("title", "description", "keywords", "category", "periodicity", "schema"):
            assert ours[name] == theirs[name], (uri, name)
        assert ours["owner"] == harvest.agency.name
        there_text = httpx.get(f"{second}/data/{package['name']}.csv?raw=1", timeout=60).text
        assert harvest.app.get(f"/data/{uri}.csv?raw=1").data.decode() == there_text, uri


def test_what_the_other_portal_has_not_changed_is_not_fetched(harvest: Harvest, second: str) -> None:
    there = sets_of(second, AGENCY)
    harvest.ready("ckan", {"address": second, "query": f"organization:{AGENCY}", "page": 2}, defaults={"seconds": 60})
    harvest.run()
    again = harvest.run()
    assert counts(again)["unchanged"] == len(there) == counts(again)["seen"]
    assert again["bytes"] == 0, "only the list was asked for"


def test_what_the_portal_tells_in_dcat_is_read_table_by_table(harvest: Harvest, second: str) -> None:
    there = sets_of(second, AGENCY)
    harvest.ready("dcat", {"address": f"{second}/catalog.ttl?fq=organization:{AGENCY}"}, defaults={"seconds": 60})
    run = harvest.run()
    assert counts(run) == whole(there), harvest.items(run, "failed")
    published = [spoken(harvest.rows(item)) for item in harvest.items(run)]
    for package in there:
        text = httpx.get(f"{second}/data/{package['name']}.csv?raw=1", timeout=60).text
        assert spoken(csv.reader(io.StringIO(text))) in published, package["name"]

"""What the interfaces of a running portal tell of one data set: rows, versions, package, DataStore, the search engine."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.conftest import NO_TLS, LivePortal, run_launcher
from tests.faults import killing

SHOWN_WITHIN = 90.0
MOST = 32_000
"""Rows that DataStore gives at once."""
UNREAD = "SELECT consumer, count(*) FROM kzopen.outbox_delivery GROUP BY 1"
FOLDED = "SELECT count(*) FROM kzopen.version_file WHERE starts_with(path, %s) AND number - coalesce(since, 0) > 1"
DOCUMENTS = "SELECT name, to_jsonb(d) FROM kzopen.search_document d"
Rows = dict[str, int]


def get(portal: LivePortal, path: str) -> Any:
    """The JSON of an answer to the operator."""
    headers = {"Authorization": portal.accounts["operator"]["token"]}
    answer = httpx.get(path if path.startswith("http") else portal.url + path, headers=headers, timeout=120, verify=NO_TLS)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
    return answer.json()


def action(portal: LivePortal, name: str, **asked: Any) -> Any:
    """What one of CKAN's actions answers."""
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    return get(portal, f"/api/3/action/{name}?{query}")["result"]


def eventually(told: Callable[[], Any], wanted: Any, what: str) -> None:
    """An interface that follows the versions tells what is wanted, at the latest after SHOWN_WITHIN seconds."""
    until = time.monotonic() + SHOWN_WITHIN
    while (found := told()) != wanted:
        assert time.monotonic() < until, f"{what}: {shortened(found)}, not {shortened(wanted)}"
        time.sleep(0.5)


def shortened(value: Any) -> str:
    """A value for people to read."""
    said = repr(value)
    return said if len(said) < 400 else f"{said[:200]} … {said[-150:]} ({len(said)} letters)"


def of_csv(body: bytes) -> Rows:
    """Rows of two columns by their key; AssertionError when a key comes twice."""
    found = [(row["code"], int(row["amount"])) for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))]
    assert len(dict(found)) == len(found), "a key comes twice"
    return dict(found)


def in_file(portal: LivePortal, uri: str, version: int | None = None) -> Rows:
    """The rows of the stored files: those of the current version, or of another."""
    return at(portal, f"{portal.url}/data/{uri}.csv" if version is None else link(portal, uri, version))


def at(portal: LivePortal, address: str) -> Rows:
    """The rows of the CSV at an address."""
    answer = httpx.get(address, timeout=120, verify=NO_TLS, headers={"Authorization": portal.accounts["operator"]["token"]})
    assert answer.status_code == 200, answer.text[:500]
    return of_csv(answer.content)


def link(portal: LivePortal, uri: str, version: int) -> str:
    """Where a version's CSV lies."""
    return next(str(one["links"]["csv"]) for one in versions(portal, uri) if one["number"] == version)


def in_datastore(portal: LivePortal, uri: str) -> Rows:
    """The rows that DataStore shows."""
    resource = package(portal, uri)["resources"][0]["id"]
    found = action(portal, "datastore_search", resource_id=resource, limit=MOST)
    assert found["total"] == len(found["records"]), f"DataStore has more than {MOST} rows of {uri}"
    by_key = {row["code"]: int(row["amount"]) for row in found["records"]}
    assert len(by_key) == len(found["records"]), f"a key comes twice in DataStore's table of {uri}"
    return by_key


def versions(portal: LivePortal, uri: str) -> list[dict[str, Any]]:
    """The versions of a data set, oldest first."""
    found: list[dict[str, Any]] = get(portal, f"/api/universal/v1/datasets/{uri}/versions")["versions"]
    return found[::-1]


def folded(portal: LivePortal, uri: str) -> int:
    """How many of a table's files lead over several versions, though each delivery made a file that leads over one."""
    return int(killing.rows(portal, FOLDED, [f"versions/{uri}/"])[0][0])


def package(portal: LivePortal, uri: str) -> dict[str, Any]:
    """The data set in CKAN's words."""
    found: dict[str, Any] = action(portal, "package_show", id=uri)
    return found


def of_resource(found: dict[str, Any]) -> tuple[int, int, str]:
    """Version, number of rows and checksum that a package tells of its table."""
    table = found["resources"][0]
    return int(table["table_version"]), int(table["rows"]), str(table["hash"])


def searched(portal: LivePortal, words: str) -> list[tuple[str, str]]:
    """What the search engine finds: Russian title and moment of the last change of each hit."""
    items = get(portal, f"/api/search/v1?q={words}&limit=100")["items"]
    return [(str(item["title"].get("ru")), str(item["updated"])[:19]) for item in items]


def all_searched(portal: LivePortal) -> dict[str, tuple[str, str]]:
    """All data sets that the search engine has, page by page: name → title and moment, as `searched` tells them."""
    path: str | None = "/api/search/v1?sort=id&limit=100"
    found: dict[str, tuple[str, str]] = {}
    while path:
        page = get(portal, path)
        of_data = [item for item in page["items"] if "/dataset/" in item["url"]]
        fresh = {item["url"].rsplit("/", 1)[1]: (str(item["title"].get("ru")), str(item["updated"])[:19]) for item in of_data}
        assert len(fresh) == len(of_data), "a data set comes twice"
        assert not fresh.keys() & found.keys(), "a data set comes twice"
        found |= fresh
        path = page["next"]
    return found


def as_searched(found: dict[str, Any]) -> tuple[str, str]:
    """The same of a package."""
    return str(found["title_translated"]["ru"]), str(found["metadata_modified"])[:19]


def in_package_search(portal: LivePortal, uri: str) -> list[tuple[int, int, str]]:
    """Version, rows and checksum that the search for the data set's name tells."""
    return [of_resource(found) for found in action(portal, "package_search", fq=f"name:{uri}")["results"]]


def check_commands(portal: LivePortal) -> None:
    """The comparing commands: all that the doctor looks at, with the index among it, and every document computed anew."""
    said = run_launcher("doctor", "--deep", "--data", str(portal.data))
    assert "all is well" in said, said
    before = dict(killing.rows(portal, DOCUMENTS))
    run_launcher("search", "repair", "--recompute", "--data", str(portal.data))
    anew = dict(killing.rows(portal, DOCUMENTS))
    differing = {
        name: {part: (was.get(part), now) for part, now in anew.get(name, {}).items() if was.get(part) != now}
        for name, was in before.items()
        if was != anew.get(name)
    }
    assert anew.keys() == before.keys()
    assert not differing, f"documents come out differently when they are computed anew: {differing}"

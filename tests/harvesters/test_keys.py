"""Keys of a source: they go to its own origin only, and nobody is told them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ckan import model
from ckanext.kzopen.publishing.harvest.model import Item, Run
from sqlalchemy import select

from tests.harvesters.ckan_portal import CkanPortal
from tests.harvesters.egov_portal import KEY, Portal
from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Answer, Catalogue, Handler, says, send, serving, table
from tests.publishing.harvest.test_pages import browser, read

ANSWERS = {
    "nothing there": (says(404), "harvest.not_there"),
    "html": (says(200, b"<html>Maintenance</html>", "text/html"), "harvest.not_json"),
    "html with the key": (says(200, f"<p>/api?apiKey={KEY}</p>".encode(), "text/html"), "harvest.not_json"),
    "html cut in the key": (says(200, b"<p>" + b"x" * 40 + KEY.encode() + b"</p>", "text/html"), "harvest.not_json"),
    "an error with the key": (
        says(200, json.dumps({"error": f"apiKey {KEY} is not known"}).encode(), "application/json"),
        "harvest.odd_list",
    ),
    "elsewhere": (says(302, Location=f"http://0x7f000001/?apiKey={KEY}"), "client.bad_address"),
}


@pytest.mark.parametrize("kind", ["egov", "address_register"])
@pytest.mark.parametrize(("answer", "error"), ANSWERS.values(), ids=list(ANSWERS))
def test_a_key_that_stands_in_addresses_is_not_told(
    harvest: Harvest, catalogue: Catalogue, kind: str, answer: Answer, error: str
) -> None:
    Portal(catalogue, sets=1)
    place = "/api/v4/opendata_api_uri0" if kind == "egov" else "/api/v4/s_ats"
    catalogue.instead = {place: answer} | catalogue.instead
    harvest.add(kind, {"address": catalogue.url, "key": KEY})
    run = harvest.run("preview")
    items = harvest.items(run)
    assert [item["error"] for item in items] == [error]
    session = model.Session()
    told: list[Any] = [run, items, harvest.get(f"/sources/{harvest.name}").json, harvest.get(f"/runs/{run['id']}").json]
    told += list(session.scalars(select(Run.error_params).where(Run.id == run["id"])))
    told += session.execute(select(Item.error_params, Item.data).where(Item.run_id == run["id"])).all()
    told += [read(browser(harvest), f"/en/staff/harvest/{place}") for place in (harvest.name, f"runs/{run['id']}")]
    assert any(KEY in path for path in catalogue.requests("/api/v4/")), "it is sent"
    assert [text for text in map(str, told) if KEY[:10] in text] == []


@pytest.fixture
def other() -> Iterator[Catalogue]:
    """A second server, of somebody else."""
    with serving(Catalogue()) as found:
        yield found


def noting(headers: list[Any], body: bytes) -> Answer:
    """An answer with these bytes; the headers that it was asked with are kept."""

    def answer(handler: Handler) -> None:
        headers.append(handler.headers)
        send(handler, 200, body, "text/csv")

    return answer


def test_a_token_of_ckan_does_not_go_to_a_host_that_its_catalogue_names(
    harvest: Harvest, catalogue: Catalogue, other: Catalogue
) -> None:
    class Linking(CkanPortal):
        def url_of(self, name: str, place: int) -> str:
            return f"{(catalogue if name == 'set-000' else other).url}/file/{name}"

    Linking(catalogue, 2)
    own: list[Any] = []
    foreign: list[Any] = []
    catalogue.instead["/file/"] = noting(own, table(3))
    other.instead["/file/"] = noting(foreign, table(3))
    harvest.add("ckan", {"address": catalogue.url, "token": "a-token-of-theirs"})
    run = harvest.run("preview")
    assert [item["error"] for item in harvest.items(run)] == [None, None]
    assert [headers["Authorization"] for headers in own] == ["a-token-of-theirs"]
    assert [headers["Authorization"] for headers in foreign] == [None]


def test_a_key_in_a_header_of_any_name_does_not_follow_a_redirect_elsewhere(
    harvest: Harvest, catalogue: Catalogue, other: Catalogue
) -> None:
    own: list[Any] = []
    foreign: list[Any] = []
    rows = json.dumps([{"code": "a", "amount": 1}]).encode()

    def moved(handler: Handler) -> None:
        own.append(handler.headers)
        send(handler, 302, b"", Location=f"{other.url}/rows")

    catalogue.instead["/rows"] = moved
    other.instead["/rows"] = noting(foreign, rows)
    settings = {"address": f"{catalogue.url}/rows", "name": "rows", "key_header": "X-Token", "key": "a-token-of-theirs"}
    harvest.add("json_api", settings)
    assert [item["error"] for item in harvest.items(harvest.run("preview"))] == [None]
    assert [headers["X-Token"] for headers in own] == ["a-token-of-theirs"]
    assert [(headers["X-Token"], headers["Accept"]) for headers in foreign] == [(None, "application/json")]


def test_a_key_does_not_go_to_another_origin_that_names_the_next_page(
    harvest: Harvest, catalogue: Catalogue, other: Catalogue
) -> None:
    foreign: list[Any] = []
    first = {"rows": [{"code": "a"}], "next": f"{other.url}/rows"}
    catalogue.instead["/rows"] = says(200, json.dumps(first).encode(), "application/json")
    other.instead["/rows"] = noting(foreign, json.dumps({"rows": [{"code": "b"}]}).encode())
    way = {"paging": "next", "next_path": "$.next", "records": "$.rows[*]", "key_header": "X-Token", "key": "theirs"}
    harvest.add("json_api", {"address": f"{catalogue.url}/rows", "name": "rows", **way})
    assert harvest.items(harvest.run("preview"))[0]["differences"]["rows"] == 2
    assert [headers["X-Token"] for headers in foreign] == [None]

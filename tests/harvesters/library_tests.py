"""The halls of a library are harvested."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client
from ckanext.kzopen.publishing.harvest.reach import Reach

from tests.harvesters.library import Library, LibrarySettings
from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Handler, says, send

HALLS = [
    {"id": "1", "kk": "Балалар залы", "ru": "Детский зал", "renewed": "2026-01-01"},
    {"id": "2", "kk": "Оқу залы", "ru": "Читальный зал", "renewed": "2026-02-02"},
]
BOOKS = [{"isbn": "1", "title": "Абай жолы"}]


def answer(handler: Handler) -> None:
    """What the library's API says; keys would stand in `handler.headers`."""
    parts = urlsplit(handler.path)
    page = parse_qs(parts.query).get("page", ["1"])[0]
    told = BOOKS if parts.path.endswith("/books") else HALLS if page == "1" else []
    send(handler, 200, json.dumps(told).encode(), "application/json")


def test_the_list_is_read_to_its_end(catalogue: Catalogue) -> None:
    catalogue.instead["/halls"] = answer
    with Reach(Client(networks("127.0.0.0/8"))) as reach:
        pages = list(Library(LibrarySettings(address=catalogue.url), reach).discover(None))
    assert [(item.guid, item.hash) for page in pages for item in page.items] == [("1", "2026-01-01"), ("2", "2026-02-02")]


def test_what_failed_is_fetched_again_and_nothing_else(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.instead = {"/halls/2/books": says(404), "/halls": answer}
    harvest.ready("library", {"address": catalogue.url})
    run = harvest.run()
    assert counts(run) == {"seen": 2, "added": 1, "changed": 0, "unchanged": 0, "removed": 0, "failed": 1}, harvest.items(run)
    assert harvest.items(run, "failed")[0]["error"] == "harvest.not_there"
    hall = harvest.items(run, "added")[0]
    assert harvest.rows(hall) == [["isbn", "title"], ["1", "Абай жолы"]]
    told = Api(harvest.app).get(f"/datasets/{hall['uri']}").json
    assert (told["title"]["ru"], told["schema"]["primaryKey"]) == ("Детский зал", ["isbn"])
    del catalogue.instead["/halls/2/books"]
    catalogue.asked.clear()
    assert counts(harvest.run()) == {"seen": 2, "added": 1, "changed": 0, "unchanged": 1, "removed": 0, "failed": 0}
    assert catalogue.requests("/halls/") == ["/halls/2/books"]

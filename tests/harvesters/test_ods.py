"""A portal on Opendatasoft: its catalogue page by page, tables by its exports, changes, and what cannot be had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client
from ckanext.kzopen.publishing.harvest.reach import Reach
from kzopen_harvesters.ods import Ods, OdsSettings

from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Handler, says, send

SETS = "/api/explore/v2.1/catalog/datasets"
FIELDS = [
    {"name": "day", "label": "День", "type": "date", "description": "День замера"},
    {"name": "dust", "label": "Пыль", "type": "double", "description": None},
    {"name": "place", "label": "Место", "type": "geo_point_2d"},
]


class Portal:
    """Data sets by name, each with its date of change and the rows of its table; None: it has no table.

    The list is that of the API: by name where that is asked for, a hundred at once at most, and no farther than 10,000.
    """

    def __init__(self, catalogue: Catalogue, number: int = 3) -> None:
        self.catalogue = catalogue
        self.dates: dict[str, str | None] = {f"air-{place:03d}": "2026-01-01T00:00:00+00:00" for place in range(number)}
        self.rows = dict.fromkeys(self.dates, 1)
        self.titles: dict[str, str] = {}
        self.without_records: set[str] = set()
        self.after_page: dict[int, Any] = {}
        catalogue.instead[SETS] = self.answer

    def answer(self, handler: Handler) -> None:
        parts = urlsplit(handler.path)
        if parts.path != SETS:
            name, *rest = parts.path.removeprefix(f"{SETS}/").split("/")
            if rest == ["exports", "csv"]:
                self.export(handler, unquote(name))
            else:
                send(handler, 404, b"{}", "application/json")
            return
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        limit, begin = int(asked["limit"]), int(asked["offset"])
        if not (0 < limit <= 100 and begin + limit <= 10_000):
            send(handler, 400, b'{"error_code": "InvalidRESTParameterError"}', "application/json")
            return
        names = sorted(self.dates, reverse=asked.get("order_by") != "dataset_id")
        found = {"total_count": len(names), "results": [self.told(name) for name in names[begin : begin + limit]]}
        send(handler, 200, json.dumps(found).encode(), "application/json")
        self.after_page.pop(begin, lambda: None)()

    def told(self, name: str) -> dict[str, Any]:
        metas = {
            "title": self.titles.get(name, f"Ауа {name}"),
            "description": "<p>Күн сайын</p>",
            "keyword": ["ауа"],
            "theme": ["Экология"],
            "license": "CC BY 4.0",
            "language": "kk",
            "modified": self.dates[name],
            "publisher": "Қазгидромет",
            "geographic_area_scale": 0.5,
        }
        return {
            "dataset_id": name,
            "has_records": name not in self.without_records,
            "fields": FIELDS,
            "metas": {"default": metas},
        }

    def export(self, handler: Handler, name: str) -> None:
        head = ",".join(str(field["name"]) for field in FIELDS)
        rows = [f'2026-01-{row + 1:02d},{row}.5,"43.2, 76.9"' for row in range(self.rows[name])]
        send(handler, 200, "\r\n".join([head, *rows, ""]).encode("utf-8-sig"), "text/csv")

    def exports(self) -> list[str]:
        """The tables that were asked for since this was called last."""
        paths = [urlsplit(one).path for one in self.catalogue.requests(f"{SETS}/")]
        self.catalogue.asked.clear()
        return sorted(unquote(one.split("/")[-3]) for one in paths)


@pytest.fixture
def ods(catalogue: Catalogue) -> Iterator[Ods]:
    with Reach(Client(networks("127.0.0.0/8"))) as reach:
        yield Ods(OdsSettings(address=catalogue.url), reach)


def ready(harvest: Harvest, portal: Portal) -> None:
    """The portal is harvested once."""
    harvest.ready("ods", {"address": f"{portal.catalogue.url}/"})
    run = harvest.run()
    assert counts(run)["added"] == len(portal.dates), harvest.items(run)
    portal.exports()


def test_a_portal_is_read_with_its_passports(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    portal.dates["ауа 1/2"], portal.rows["ауа 1/2"] = "2026-01-01T00:00:00+00:00", 2
    harvest.ready("ods", {"address": catalogue.url})
    run = harvest.run()
    assert counts(run) == {"seen": 4, "added": 4, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}, harvest.items(run)
    item = harvest.items(run)[-1]
    assert harvest.rows(item) == [["day", "dust", "place"], *([f"2026-01-0{n + 1}", f"{n}.5", "43.2, 76.9"] for n in range(2))]
    told = Api(harvest.app).get(f"/datasets/{item['uri']}").json
    assert (told["title"]["kk"], told["keywords"]["kk"], told["license"]) == ("Ауа ауа 1/2", ["ауа", "Экология"], "CC BY 4.0")
    assert told["responsible"]["name"]["kk"] == "Қазгидромет"
    assert [(one["type"], one["title"], one.get("description")) for one in told["schema"]["fields"]] == [
        ("date", "День", "День замера"),
        ("number", "Пыль", None),
        ("string", "Место", None),
    ]


def test_only_what_has_changed_is_fetched(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    ready(harvest, portal)
    portal.dates["air-001"], portal.rows["air-001"] = "2026-02-02T00:00:00+00:00", 2
    portal.titles["air-002"] = "Басқа атау"
    run = harvest.run()
    assert counts(run) == {"seen": 3, "added": 0, "changed": 2, "unchanged": 1, "removed": 0, "failed": 0}, harvest.items(run)
    assert portal.exports() == ["air-001", "air-002"]
    changed = {item["guid"]: item for item in harvest.items(run, "changed")}
    assert [row[0] for row in harvest.rows(changed["air-001"])] == ["day", "2026-01-01", "2026-01-02"]
    assert Api(harvest.app).get(f"/datasets/{changed['air-002']['uri']}").json["title"]["kk"] == "Басқа атау"
    assert counts(harvest.run())["unchanged"] == 3
    assert portal.exports() == []


def test_a_data_set_without_a_date_is_fetched_and_compared(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    portal.dates["air-001"] = None
    ready(harvest, portal)
    assert counts(harvest.run())["unchanged"] == 3
    assert portal.exports() == ["air-001"]
    portal.rows["air-001"] = 2
    assert counts(harvest.run())["changed"] == 1


def test_a_table_that_cannot_be_had_fails_alone_and_is_tried_again(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    address = f"{SETS}/air-001/"
    catalogue.instead = {address: says(404, b"{}", "application/json")} | catalogue.instead
    harvest.ready("ods", {"address": catalogue.url})
    run = harvest.run()
    assert counts(run) == {"seen": 3, "added": 2, "changed": 0, "unchanged": 0, "removed": 0, "failed": 1}
    assert [(item["guid"], item["error"]) for item in harvest.items(run, "failed")] == [("air-001", "harvest.not_there")]
    del catalogue.instead[address]
    portal.exports()
    assert counts(harvest.run()) == {"seen": 3, "added": 1, "changed": 0, "unchanged": 2, "removed": 0, "failed": 0}
    assert portal.exports() == ["air-001"]


def test_a_data_set_without_records_is_described_only(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    portal.without_records.add("air-001")
    harvest.ready("ods", {"address": catalogue.url})
    assert counts(harvest.run())["added"] == 3
    assert set(portal.exports()) == {"air-000", "air-002"}
    assert counts(harvest.run())["unchanged"] == 3


def test_a_list_is_read_to_its_end_and_from_any_page_on(ods: Ods, catalogue: Catalogue) -> None:
    Portal(catalogue, 250)
    pages = list(ods.discover(None))
    assert {item.guid for page in pages for item in page.items} == {f"air-{number:03d}" for number in range(250)}
    assert {(page.total, page.moved) for page in pages} == {(250, False)}
    again = [item.guid for page in ods.discover(json.loads(json.dumps(pages[0].cursor))) for item in page.items]
    assert set(again) == {f"air-{number:03d}" for number in range(99, 250)}


@pytest.mark.parametrize("number", [0, 1, 100, 101])
def test_a_list_of_any_length_has_an_end(ods: Ods, catalogue: Catalogue, number: int) -> None:
    Portal(catalogue, number)
    pages = list(ods.discover(None))
    assert (len({item.guid for page in pages for item in page.items}), pages[-1].total) == (number, number)
    assert not any(page.moved for page in pages)


@pytest.mark.parametrize("page", [0, 99])
def test_a_list_that_loses_one_and_gets_another_while_it_is_read_has_moved(ods: Ods, catalogue: Catalogue, page: int) -> None:
    portal = Portal(catalogue, 150)

    def changes() -> None:
        del portal.dates["air-003"]
        portal.dates["air-900"] = None

    portal.after_page[page] = changes
    pages = list(ods.discover(None))
    assert {page.total for page in pages} == {150}, "the number alone does not tell it"
    assert pages[-1].moved
    assert next(ods.discover(pages[-2].cursor)).moved, "also when the reading goes on after a death"


def test_of_a_list_beyond_the_reach_of_the_api_the_first_ten_thousand_are_read(ods: Ods, catalogue: Catalogue) -> None:
    Portal(catalogue, 10_050)
    pages = list(ods.discover(None))
    assert (len({item.guid for page in pages for item in page.items}), pages[-1].total) == (10_000, 10_050)


def test_a_change_while_the_list_is_read_withdraws_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue, 102)
    ready(harvest, portal)
    portal.after_page[0] = lambda: portal.dates.pop("air-003")
    run = harvest.run()
    assert (run["complete"], run["removed"], run["failed"]) == (False, 0, 0)
    again = harvest.run()
    assert (again["complete"], again["removed"]) == (True, 1)

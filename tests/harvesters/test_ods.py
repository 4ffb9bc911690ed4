"""A portal on Opendatasoft: its catalogue page by page, tables by its exports, changes, and what cannot be had."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ckanext.kzopen.core.web.addresses import networks
from ckanext.kzopen.core.web.client import Client
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.kinds import Found, Page
from ckanext.kzopen.publishing.harvest.reach import Reach
from kzopen_harvesters import ods as kind
from kzopen_harvesters.ods import SETS, Ods, OdsSettings

from tests.publishing.conftest import Api
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Handler, says, send

FIELDS = [
    {"name": "day", "label": "День", "type": "date", "description": "День замера", "annotations": {}},
    {"name": "at", "label": "Когда", "type": "datetime", "annotations": {"timeserie_precision": "hour"}},
    {"name": "month", "label": "Месяц", "type": "date", "annotations": {"timeserie_precision": "month"}},
    {"name": "dust", "label": "Пыль", "type": "double", "description": None},
    {"name": "over", "label": None, "type": "boolean"},
    {"name": "place", "label": "Место", "type": "geo_point_2d"},
]
DATE = "2026-01-01T00:00:00+00:00"
KEY = "a-key-of-theirs"


class Portal:
    """Data sets by name, each with its date of change and the rows of its table.

    The list is that of the API: by name where that is asked for, a hundred at once at most, and nothing beyond `reach`.
    """

    def __init__(self, catalogue: Catalogue, number: int = 3, reach: int = 10_000) -> None:
        self.catalogue, self.reach = catalogue, reach
        self.dates: dict[str, str | None] = {f"air-{place:03d}": DATE for place in range(number)}
        self.rows = dict.fromkeys(self.dates, 1)
        self.more: dict[str, dict[str, Any]] = {}
        self.without_records: set[str] = set()
        self.visible: dict[str, int] = {}
        """How many rows whoever asks may see, where that is not what the catalogue counts."""
        self.after_page: dict[int, Callable[[], None]] = {}
        self.keys: list[str | None] = []
        catalogue.instead[SETS] = self.answer

    def answer(self, handler: Handler) -> None:
        self.keys.append(handler.headers["Authorization"])
        parts = urlsplit(handler.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != SETS:
            name, *rest = parts.path.removeprefix(f"{SETS}/").split("/")
            if rest == ["records"]:
                assert asked == {"limit": "0"}
                seen = self.visible.get(unquote(name), self.told(unquote(name))["metas"]["default"]["records_count"])
                send(handler, 200, json.dumps({"total_count": seen, "results": []}).encode(), "application/json")
                return
            assert (rest, asked) == (["exports", "csv"], {"delimiter": ",", "use_labels": "false"})
            send(handler, 200, self.table(unquote(name)), "text/csv")
            return
        limit, begin = int(asked["limit"]), int(asked["offset"])
        if not (0 < limit <= 100 and begin + limit < self.reach):
            send(handler, 400, b'{"error_code": "InvalidRESTParameterError"}', "application/json")
            return
        names = sorted(self.dates, reverse=asked.get("order_by") != "dataset_id")
        found = {"total_count": len(names), "results": [self.told(name) for name in names[begin : begin + limit]]}
        send(handler, 200, json.dumps(found).encode(), "application/json")
        self.after_page.pop(begin, lambda: None)()

    def told(self, name: str) -> dict[str, Any]:
        metas = {
            "title": f"Ауа {name}",
            "description": "<p>Күн сайын</p>",
            "keyword": ["ауа"],
            "theme": ["Экология"],
            "license": "CC BY 4.0",
            "language": "kk",
            "modified": self.dates[name],
            "publisher": "Қазгидромет",
            "records_count": self.rows.get(name, 0),
            "geographic_area_scale": 0.5,
        }
        metas |= self.more.get(name, {})
        has_records = name not in self.without_records
        return {"dataset_id": name, "has_records": has_records, "fields": FIELDS, "metas": {"default": metas}}

    def table(self, name: str) -> bytes:
        head = ",".join(str(field["name"]) for field in FIELDS)
        rest = '2026-01-01T08:00:00+00:00,2026-01,{}.5,True,"43.2, 76.9"'
        rows = [f"2026-01-{row + 1:02d},{rest.format(row)}" for row in range(self.rows[name])]
        return "\r\n".join([head, *rows, ""]).encode("utf-8-sig")

    def exports(self) -> list[str]:
        """The tables that were asked for since this was called last."""
        paths = [urlsplit(one).path for one in self.catalogue.requests(f"{SETS}/")]
        self.catalogue.asked.clear()
        return sorted(unquote(one.split("/")[-3]) for one in paths)


@pytest.fixture
def ods(catalogue: Catalogue) -> Iterator[Ods]:
    with Reach(Client(networks("127.0.0.0/8"))) as reach:
        yield Ods(OdsSettings(address=catalogue.url), reach)


def names_of(pages: list[Page]) -> list[str]:
    return [item.guid for page in pages for item in page.items]


def test_a_portal_is_read_with_its_passports_and_then_only_what_has_changed(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue, 5)
    portal.dates["air-003"] = None
    portal.without_records.add("air-004")
    portal.dates["ауа 1/2"], portal.rows["ауа 1/2"] = DATE, 2
    harvest.ready("ods", {"address": f"{catalogue.url}/", "key": KEY})
    run = harvest.run()
    assert counts(run) == {"seen": 6, "added": 6, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}, harvest.items(run)
    item = harvest.items(run)[-1]
    assert harvest.rows(item) == [
        ["day", "at", "month", "dust", "over", "place"],
        ["2026-01-01", "2026-01-01T08:00:00Z", "2026-01", "0.5", "true", "43.2, 76.9"],
        ["2026-01-02", "2026-01-01T08:00:00Z", "2026-01", "1.5", "true", "43.2, 76.9"],
    ]
    api = Api(harvest.app)
    told = api.get(f"/datasets/{item['uri']}").json
    assert (told["title"]["kk"], told["keywords"]["kk"], told["license"]) == ("Ауа ауа 1/2", ["ауа", "Экология"], "CC BY 4.0")
    assert (told["responsible"]["name"]["kk"], told["description"]["kk"]) == ("Қазгидромет", "Күн сайын")
    assert [(one["type"], one.get("title_translated")) for one in told["schema"]["fields"]] == [
        ("date", {"kk": "День"}),
        ("datetime", {"kk": "Когда"}),
        ("string", {"kk": "Месяц"}),
        ("number", {"kk": "Пыль"}),
        ("boolean", None),
        ("string", {"kk": "Место"}),
    ]
    assert told["schema"]["fields"][0]["description_translated"] == {"kk": "День замера"}
    assert set(portal.exports()) == {"air-000", "air-001", "air-002", "air-003", "ауа 1/2"}, "one has no records"
    portal.dates["air-001"], portal.rows["air-001"] = "2026-02-02T00:00:00+00:00", 2
    portal.more["air-002"] = {"title": "Басқа атау"}
    run = harvest.run()
    assert counts(run) == {"seen": 6, "added": 0, "changed": 2, "unchanged": 4, "removed": 0, "failed": 0}, harvest.items(run)
    assert portal.exports() == ["air-001", "air-002", "air-003"], "one has no date"
    changed = {item["guid"]: item for item in harvest.items(run, "changed")}
    assert [row[0] for row in harvest.rows(changed["air-001"])] == ["day", "2026-01-01", "2026-01-02"]
    assert api.get(f"/datasets/{changed['air-002']['uri']}").json["title"]["kk"] == "Басқа атау"
    assert set(portal.keys) == {f"Apikey {KEY}"}


def test_without_a_key_none_is_sent(ods: Ods, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    assert names_of(list(ods.discover(None))) == ["air-000", "air-001", "air-002"]
    assert set(portal.keys) == {None}


def test_a_table_that_cannot_be_had_whole_fails_alone_and_is_tried_again(harvest: Harvest, catalogue: Catalogue) -> None:
    portal = Portal(catalogue)
    address = f"{SETS}/air-001/"
    catalogue.instead = {address: says(404, b"{}", "application/json")} | catalogue.instead
    portal.more["air-002"] = {"records_count": 5}
    harvest.ready("ods", {"address": catalogue.url})
    run = harvest.run()
    assert counts(run) == {"seen": 3, "added": 1, "changed": 0, "unchanged": 0, "removed": 0, "failed": 2}
    assert [(item["guid"], item["error"]) for item in harvest.items(run, "failed")] == [
        ("air-001", "harvest.not_there"),
        ("air-002", "harvest.fewer_rows_than_told"),
    ]
    del catalogue.instead[address], portal.more["air-002"]
    portal.exports()
    assert counts(harvest.run()) == {"seen": 3, "added": 2, "changed": 0, "unchanged": 1, "removed": 0, "failed": 0}
    assert portal.exports() == ["air-001", "air-002"]


def test_lines_within_a_cell_are_no_rows(ods: Ods, catalogue: Catalogue, tmp_path: Path) -> None:
    item = Found("air", None, {"told": {"records_count": 2}, "has_records": True})
    catalogue.instead[f"{SETS}/air/records"] = says(200, b'{"total_count": 2}')
    for number, table in enumerate([b'a,b\n1,"x\r\ny ""z""\n"\n', b'a,b\n1,"x\r\ny ""z""\n"\n2,3\n']):
        catalogue.instead[SETS] = says(200, table, "text/csv")
        if number == 0:
            with pytest.raises(KzError) as error:
                ods.fetch(item, tmp_path / "table")
            assert error.value.params == {"told": 2, "found": 1}
        else:
            ods.fetch(item, tmp_path / "table")


def test_rows_that_are_kept_from_whoever_asks_are_not_missing(ods: Ods, catalogue: Catalogue, tmp_path: Path) -> None:
    portal = Portal(catalogue)
    portal.more["air-000"] = {"records_count": 5}
    portal.visible["air-000"] = 1
    item = next(ods.discover(None)).items[0]
    assert ods.fetch(item, tmp_path / "table")
    portal.visible["air-000"] = 2
    with pytest.raises(KzError) as error:
        ods.fetch(item, tmp_path / "table")
    assert error.value.params == {"told": 2, "found": 1}


@pytest.mark.parametrize("broken", [{"metas": None}, {"metas": {"default": None}}, {"dataset_id": None}], ids=str)
def test_an_odd_data_set_fails_alone(ods: Ods, catalogue: Catalogue, broken: dict[str, Any]) -> None:
    portal = Portal(catalogue)
    told = [portal.told(name) for name in portal.dates]
    odd = [*told[:1], told[1] | broken, 5, told[2]]

    def answer(handler: Handler) -> None:
        begin = int(parse_qs(urlsplit(handler.path).query)["offset"][0])
        send(handler, 200, json.dumps({"total_count": 4, "results": odd[begin:]}).encode(), "application/json")

    catalogue.instead[SETS] = answer
    pages = list(ods.discover(None))
    errors = [item.error and item.error.code for page in pages for item in page.items]
    assert errors == [None, "harvest.odd_list", "harvest.odd_list", None]
    assert not any(page.moved for page in pages)


def test_a_description_in_html_becomes_markdown(ods: Ods) -> None:
    told = (
        "<h2>Ауа</h2><p>Если\n пыли &lt; 5,<br>то <b>хорошо</b>.</p>"
        '<ul><li><a target="_blank" href="https://example.org/a">Подробнее</a></li></ul> 1 < 2'
    )
    item = Found("air", None, {"told": {"description": told, "language": "fr"}, "fields": []})
    assert ods.describe(item).description == {
        "ru": "Ауа\n\nЕсли пыли < 5,  \nто хорошо.\n\n- [Подробнее](https://example.org/a)\n\n1 < 2"
    }


def test_a_list_is_read_to_its_end_and_from_any_page_on(ods: Ods, catalogue: Catalogue) -> None:
    Portal(catalogue, 250)
    pages = list(ods.discover(None))
    assert set(names_of(pages)) == {f"air-{number:03d}" for number in range(250)}
    assert {(page.total, page.moved) for page in pages} == {(250, False)}
    again = list(ods.discover(json.loads(json.dumps(pages[0].cursor))))
    assert set(names_of(again)) == {f"air-{number:03d}" for number in range(100, 250)}


@pytest.mark.parametrize("number", [0, 1, 100, 101])
def test_a_list_of_any_length_has_an_end(ods: Ods, catalogue: Catalogue, number: int) -> None:
    Portal(catalogue, number)
    pages = list(ods.discover(None))
    assert (len(set(names_of(pages))), pages[-1].total) == (number, number)
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


def test_of_a_list_beyond_the_reach_of_the_api_the_first_are_read(
    ods: Ods, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 are that many; with the number told, the engine withdraws nothing then."""
    assert kind.REACH == 10_000
    monkeypatch.setattr(kind, "REACH", 250)
    Portal(catalogue, 300, reach=250)
    pages = list(ods.discover(None))
    assert (len(set(names_of(pages))), pages[-1].total) == (249, 300)

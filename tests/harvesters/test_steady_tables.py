"""Tables of the kinds that read in pages, which their source changes between two of them: published is one of one moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ckanext.kzopen.core.web.errors import KzError

from tests.harvesters.alone import alone, fetched, found
from tests.publishing.harvest.source import Catalogue, Handler, cuts, says, send

ROWS, AT_ONCE = 7, 3
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Table:
    """Rows of an edition: from row `renewed` on they have the new one, those before it the old one."""

    rows: int = ROWS
    edition: int = 1
    renewed: int = 1
    signs: dict[str, Any] = field(default_factory=dict)
    changed: datetime | None = None
    """What it says as Last-Modified."""
    given: datetime | None = None
    """What it says as Date, when that is not now."""
    counts: bool = False
    """Whether each row tells how often it was looked at."""
    then: list[Callable[[], None]] = field(default_factory=list)
    """What happens once an answer with rows was given, one for each time."""
    asked: int = 0

    def some(self, begin: int, size: int = AT_ONCE) -> list[dict[str, Any]]:
        numbers = range(begin + 1, min(begin + size, self.rows) + 1)
        return [self._row(number) for number in numbers]

    def _row(self, number: int) -> dict[str, Any]:
        edition = self.edition if number >= self.renewed else 1
        names = dict.fromkeys(("name_ru", "name_rus"), f"{number}.{edition}")
        views = {"views": self.asked} if self.counts else {}
        return views | {"id": number, "code": f"{number:02d}", "modified": f"2026-01-{edition:02d}", **names}

    def was_given(self) -> None:
        self.asked += 1
        if self.then:
            self.then.pop(0)()

    def moments(self) -> dict[str, str]:
        return {} if self.changed is None else {"Last_Modified": format_datetime(self.changed, usegmt=True)}


def json_api(catalogue: Catalogue, table: Table, **more: Any) -> tuple[str, dict[str, Any]]:
    def answer(handler: Handler) -> None:
        rows = table.some(int(parse_qs(urlsplit(handler.path).query).get("skip", ["0"])[0]))
        if table.given is not None:
            given = format_datetime(table.given, usegmt=True)
            handler.date_time_string = lambda timestamp=None: given  # type: ignore[method-assign]
        send(
            handler,
            200,
            json.dumps({"rows": rows, "given": len(rows), **table.signs}).encode(),
            "application/json",
            **table.moments(),
        )
        if rows:
            table.was_given()

    catalogue.instead["/rows"] = answer
    paging = {"paging": "offset", "page_param": "skip"}
    return "json_api", {"address": f"{catalogue.url}/rows", "records": "$.rows[*]", **paging, **more}


def ensi(catalogue: Catalogue, table: Table) -> tuple[str, dict[str, Any]]:
    def entries(handler: Handler) -> None:
        rows = table.some(int(parse_qs(urlsplit(handler.path).query)["offset"][0]))
        send(handler, 200, json.dumps(rows).encode(), "application/json")
        if rows:
            table.was_given()

    def listed(handler: Handler) -> None:
        told = [
            {"code": table.signs.get("code", "regions"), "name_ru": "Регионы", **table.signs},
            {"code": "other", "version": "1"},
            5,
        ]
        send(handler, 200, json.dumps(told).encode(), "application/json")

    catalogue.instead |= {"/ensi/regions/entries": entries, "/ensi": listed}
    return "ensi", {"address": f"{catalogue.url}/ensi", "page": AT_ONCE}


def register(catalogue: Catalogue, table: Table) -> tuple[str, dict[str, Any]]:
    def asked(handler: Handler) -> dict[str, Any]:
        return dict(json.loads(parse_qs(urlsplit(handler.path).query)["source"][0]))

    def rows(handler: Handler) -> None:
        units = table.some(asked(handler)["from"])
        send(handler, 200, json.dumps(units).encode(), "application/json")
        if units:
            table.was_given()

    def detailed(handler: Handler) -> None:
        (order,) = asked(handler)["sort"]
        assert (asked(handler)["size"], order) == (1, {"modified": "desc"})
        told = {"totalCount": table.rows, "data": sorted(table.some(0, ROWS), key=lambda unit: str(unit["modified"]))[-1:]}
        send(handler, 200, json.dumps(told).encode(), "application/json")

    def meta(handler: Handler) -> None:
        send(handler, 200, json.dumps({"modifiedDate": table.signs.get("date")}).encode(), "application/json")

    catalogue.instead["/api/v4/s_ats/data"] = rows
    for sign, answer in {"detailed": detailed, "date": meta}.items():
        if sign in table.signs:
            catalogue.instead[f"/{'meta' if sign == 'date' else 'api/detailed'}/s_ats/data"] = answer
    return "address_register", {"address": catalogue.url, "rows": AT_ONCE}


def read(kind: tuple[str, dict[str, Any]], folder: Path, **limits: int) -> list[str]:
    """The published names, of which each row has its number and its edition."""
    harvester = alone(*kind, **limits)
    fetched(harvester, found(harvester)[0], folder)
    rows = [json.loads(line) for line in (folder / "table").read_text(encoding="utf-8").splitlines()]
    return [row["name_ru"] for row in rows]


def wholly(edition: int, rows: int = ROWS, renewed: int = 1) -> list[str]:
    return [f"{number}.{edition if number >= renewed else 1}" for number in range(1, rows + 1)]


def renews(table: Table, renewed: int = 1, **signs: Any) -> Callable[[], None]:
    """All rows from that one on are others, and so are the signs."""

    def change() -> None:
        table.edition, table.renewed = table.edition + 1, renewed
        table.signs |= {name: f"{value}{table.edition}" for name, value in signs.items()}

    return change


def grows(table: Table, **signs: int) -> Callable[[], None]:
    """A row more at the end, so that the last answer is another."""

    def change() -> None:
        table.rows, table.signs = table.rows + 1, table.signs | signs

    return change


def nothing() -> None:
    pass


def test_an_api_that_tells_nothing_is_compared_by_its_first_page(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table()
    table.then = [nothing, renews(table)]
    assert read(json_api(catalogue, table), tmp_path) == wholly(2)
    assert table.asked == 3 + 1 + 3 + 1


def test_an_api_whose_settings_name_a_version_is_compared_by_it(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table(signs={"version": "v"})
    table.then = [nothing, nothing, nothing, nothing, nothing, renews(table, 4, version="v")]
    assert read(json_api(catalogue, table, changed_path="$.version"), tmp_path) == wholly(1), "nothing changed yet"
    assert read(json_api(catalogue, table, changed_path="$.version"), tmp_path) == wholly(2, renewed=4)


def test_an_api_whose_settings_name_a_total_is_compared_by_it(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table(rows=6, signs={"total": 6})
    table.then = [nothing, grows(table, total=7), lambda: renews(table, 4)()]
    assert read(json_api(catalogue, table, total_path="$.total"), tmp_path) == wholly(2, renewed=4)


@pytest.mark.parametrize("slow", [None, timedelta(0), timedelta(minutes=5)], ids=["the table", "the answer", "another clock"])
def test_an_api_is_compared_by_its_last_modified_unless_that_is_new_with_each_answer(
    catalogue: Catalogue, tmp_path: Path, slow: timedelta | None
) -> None:
    """`slow` is how far the clock of Last-Modified is behind that of Date; None where it is when the table was changed."""
    table = Table(changed=LONG_AGO, given=datetime.now(UTC))

    def later() -> None:
        table.edition, table.renewed = 2, 4
        table.changed = table.given

    def with_each_answer() -> None:
        assert table.given is not None
        assert slow is not None
        table.given += timedelta(seconds=10)
        table.changed = table.given - slow

    if slow is None:
        table.then = [nothing, later]
    else:
        with_each_answer()
        table.then = [with_each_answer] * 20
    assert read(json_api(catalogue, table), tmp_path) == (wholly(2, renewed=4) if slow is None else wholly(1))
    assert table.asked == (8 if slow is None else 4)


def test_an_api_whose_last_modified_says_nothing_is_compared_by_its_first_page(catalogue: Catalogue, tmp_path: Path) -> None:
    """Here it moves along with Date, five minutes behind it."""
    table = Table(given=datetime.now(UTC), changed=datetime.now(UTC) - timedelta(minutes=5))

    def later() -> None:
        assert table.given is not None
        assert table.changed is not None
        table.given, table.changed = (when + timedelta(seconds=10) for when in (table.given, table.changed))

    def renewed() -> None:
        later()
        renews(table)()

    table.then = [later, renewed, *[later] * 9]
    assert read(json_api(catalogue, table), tmp_path) == wholly(2)


@pytest.mark.parametrize("named", [{"total_path": "$.total"}, {"changed_path": "$.version"}])
def test_rows_with_a_counter_are_published_where_another_sign_is_told(
    catalogue: Catalogue, tmp_path: Path, named: dict[str, str]
) -> None:
    table = Table(counts=True, signs={"total": ROWS, "version": "1"})
    assert read(json_api(catalogue, table, **named), tmp_path) == wholly(1)


def test_rows_with_a_counter_and_no_other_sign_fail_and_it_is_told_by_which(catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(KzError) as caught:
        read(json_api(catalogue, Table(counts=True)), tmp_path)
    told = [caught.value.text(language) for language in ("kk", "ru", "en")]
    for sentence, sign in zip(
        told, ("бірінші беттің жолдары", "строки первой страницы", "rows of the first page"), strict=True
    ):
        assert sign in sentence


def test_a_total_that_is_the_number_of_a_pages_rows_is_no_change(catalogue: Catalogue, tmp_path: Path) -> None:
    assert read(json_api(catalogue, Table(), total_path="$.given"), tmp_path) == wholly(1)


def test_a_classifier_that_gets_a_version_between_its_pages_is_read_again(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table(signs={"version": "1"})
    table.then = [nothing, renews(table, 4, version="1")]
    assert read(ensi(catalogue, table), tmp_path) == wholly(2, renewed=4)


def test_a_classifier_that_is_no_hierarchy_while_it_is_changed_is_read_again(catalogue: Catalogue, tmp_path: Path) -> None:
    """A code comes twice, as a row before it is new."""
    table = Table(signs={"version": "1"})
    some, moved = table.some, []
    table.some = lambda begin, size=AT_ONCE: some(max(begin - len(moved), 0), size)  # type: ignore[method-assign]

    def moves() -> None:
        moved.append(1)
        renews(table, version="1")()

    table.then = [moves, nothing, moved.clear]
    assert read(ensi(catalogue, table), tmp_path) == wholly(2)


def test_a_classifier_whose_code_is_written_oddly_is_found_again(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table(signs={"version": "1", "code": " regions\u200b"})
    table.then = [nothing, renews(table, 4, version="1")]
    assert read(ensi(catalogue, table), tmp_path) == wholly(2, renewed=4)


def test_a_classifier_that_is_not_in_the_list_any_more_is_another(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table(signs={"version": "1"})
    table.then = [lambda: table.signs.update(code="gone")]
    with pytest.raises(KzError) as caught:
        read(ensi(catalogue, table), tmp_path)
    assert caught.value.code == "harvest.table_changes"


def test_a_classifier_that_comes_at_once_and_is_no_hierarchy_is_not_asked_about(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table(rows=AT_ONCE, signs={"version": "1"})
    table.some = lambda begin, size=AT_ONCE: [{"code": "1"}] * 2 if begin == 0 else []  # type: ignore[method-assign]
    with pytest.raises(KzError) as caught:
        read(ensi(catalogue, table), tmp_path)
    assert caught.value.code == "harvest.odd_item"
    assert catalogue.asked.count("/ensi") == 1


def test_what_is_read_to_compare_a_table_is_not_counted_as_its_own(catalogue: Catalogue, tmp_path: Path) -> None:
    table = Table(signs={"version": "1", "description_ru": "x" * 3000})
    assert read(ensi(catalogue, table), tmp_path, unpacked=3500) == wholly(1)
    assert catalogue.asked.count("/ensi") == 2


@pytest.mark.parametrize("sign", ["date", "detailed"])
def test_an_address_register_that_is_changed_between_its_pages_is_read_again(
    catalogue: Catalogue, tmp_path: Path, sign: str
) -> None:
    table = Table(signs={sign: "2026-01-01"})
    table.then = [nothing, renews(table, 4, **{sign: "2026-01-0"})]
    assert read(register(catalogue, table), tmp_path) == wholly(2, renewed=4)
    assert table.asked == 6


@pytest.mark.parametrize("answer", [None, says(500), says(502), cuts], ids=["nothing", "500", "502", "cut"])
def test_an_address_register_that_tells_nothing_is_read_once(catalogue: Catalogue, tmp_path: Path, answer: Any) -> None:
    table = Table()
    kind = register(catalogue, table)
    if answer is not None:
        catalogue.instead |= {"/meta/": answer, "/api/detailed/": answer}
    assert read(kind, tmp_path) == wholly(1)
    assert table.asked == 3


@pytest.mark.parametrize("sign", ["date", "detailed"])
def test_an_address_register_that_cannot_be_asked_again_is_not_taken_for_unchanged(
    catalogue: Catalogue, tmp_path: Path, sign: str
) -> None:
    """Its server fails once it has told the sign; then the item is tried again."""
    table = Table(signs={sign: "2026-01-01"})
    kind = register(catalogue, table)
    failing = {path: says(502) for path in catalogue.instead if path.startswith(("/meta/", "/api/detailed/"))}
    assert len(failing) == 1
    table.then = [nothing, lambda: catalogue.instead.update(failing)]
    with pytest.raises(KzError) as caught:
        read(kind, tmp_path)
    assert caught.value.code == "harvest.source_failed"


def test_units_of_an_address_register_that_were_changed_last_together_are_no_change(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    """Now this one comes first, now that one."""
    table = Table()
    kind = register(catalogue, table)
    units = iter(range(100))

    def newest(handler: Handler) -> None:
        told = {"data": [{"id": next(units), "modified": "2026-01-01"}]}
        send(handler, 200, json.dumps(told).encode(), "application/json")

    catalogue.instead["/api/detailed/"] = newest
    assert read(kind, tmp_path) == wholly(1)
    assert (table.asked, next(units)) == (3, 2)


@pytest.mark.parametrize("kind", [json_api, ensi, register])
def test_a_table_that_is_changed_whenever_it_is_read_fails_in_words(catalogue: Catalogue, tmp_path: Path, kind: Any) -> None:
    table = Table(signs={"version": "1", "date": "1"})
    table.then = [renews(table, version="1", date="1")] * 100
    with pytest.raises(KzError) as caught:
        read(kind(catalogue, table), tmp_path)
    assert caught.value.code == "harvest.table_changes"


@pytest.mark.parametrize("kind", [json_api, ensi])
def test_a_table_that_comes_at_once_is_asked_about_no_more(catalogue: Catalogue, tmp_path: Path, kind: Any) -> None:
    table = Table(rows=AT_ONCE, signs={"version": "1"})
    table.then = [renews(table, version="1")] * 2
    assert read(kind(catalogue, table), tmp_path) == wholly(1, AT_ONCE)
    assert table.asked == 1

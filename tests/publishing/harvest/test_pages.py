"""The staff's pages of sources and runs, from a new source to its first harvest, in three languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckanext.kzopen.publishing.harvest.model import Item, Run
from ckanext.kzopen.runtime.harvest_portal import progress
from sqlalchemy import update

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue, Thing, says, table

HERE = "http://localhost/"


def browser(harvest: Harvest) -> Any:
    """A browser in which the agency's administrator is signed in."""
    return harvest.app.test_client(user=model.User.get(harvest.agency.user))


def read(client: Any, path: str) -> str:
    answer = client.get(path, base_url=HERE)
    assert answer.status_code == 200, (path, answer.status_code, answer.data[-500:])
    return str(answer.data.decode())


@pytest.mark.parametrize(("language", "heading"), [("kk", "Дерек жинау"), ("ru", "Сбор данных"), ("en", "Harvesting")])
def test_the_pages_speak_the_reader_s_language(harvest: Harvest, catalogue: Catalogue, language: str, heading: str) -> None:
    harvest.add("json_api", catalogue.settings())
    client = browser(harvest)
    for path in (
        "/staff/harvest",
        "/staff/harvest/new",
        f"/staff/harvest/{harvest.name}",
        f"/staff/harvest/{harvest.name}/edit",
    ):
        assert heading in read(client, f"/{language}{path}"), path
    for kind in ("ckan", "dcat", "egov", "json_api", "files", "sql", "address_register", "ensi"):
        page = read(client, f"/{language}/staff/harvest/new?kind={kind}")
        names = re.findall(r' id="(f-[^"]+)"', page)
        assert names
        assert sorted(set(names)) == sorted(names), kind


def test_a_source_goes_from_its_form_to_its_first_harvest(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    client = browser(harvest)
    fields = "id = $.id\nchanged = $.changed\ntitle_ru = $.title\ndownload = $.url"
    typed = {"kind": "json_api", "title": "Каталог", "name": harvest.name, "agency": harvest.agency.name}
    settings = {"gives": "catalogue", "address": f"{catalogue.url}/list", "records": "$.items[*]", "paging": "page"}
    settings |= {"fields": fields, "name": "a-table"}
    typed |= {f"setting-{name}": value for name, value in settings.items()}
    typed |= {"prefix": f"{harvest.name[-10:]}-", "threshold": "0,3", "schedule": "30 2 * * *"}
    wrong = client.post("/en/staff/harvest/new", data=typed | {"schedule": "daily"}, base_url=HERE, follow_redirects=False)
    assert "is not understood" in wrong.data.decode()
    saved = client.post("/en/staff/harvest/new", data=typed, base_url=HERE, follow_redirects=False)
    assert saved.headers["Location"].endswith(f"/staff/harvest/{harvest.name}")
    assert "Preview the first 20" in read(client, f"/en/staff/harvest/{harvest.name}")
    assert harvest.get(f"/sources/{harvest.name}").json["settings"]["name"] == "a-table"
    started = client.post(
        f"/en/staff/harvest/{harvest.name}/runs", data={"purpose": "preview"}, base_url=HERE, follow_redirects=False
    )
    number = started.headers["Location"].rsplit("/", 1)[-1]
    harvest.ended(number)
    assert "title.ru" in read(client, f"/en/staff/harvest/runs/{number}")
    client.post(f"/en/staff/harvest/{harvest.name}/state", data={"way": "switch_on"}, base_url=HERE, follow_redirects=False)
    page = read(client, f"/en/staff/harvest/{harvest.name}")
    assert "Switched on" in page
    assert "Harvest now" in page


def test_saving_the_form_untouched_changes_nothing(harvest: Harvest, catalogue: Catalogue) -> None:
    given = {"megabytes": 7, "most": 9, "at_once": 1, "license": "CC-BY-4.0", "pause": 0.5}
    harvest.add("json_api", catalogue.settings(), defaults=given, schedule="30 2 * * *", threshold=0.3)
    told = harvest.get(f"/sources/{harvest.name}").json
    assert told["defaults"].items() >= given.items()
    client = browser(harvest)
    form = BeautifulSoup(read(client, f"/en/staff/harvest/{harvest.name}/edit"), "html.parser").select_one(
        "form:has([name=kind])"
    )
    assert form is not None
    typed = {str(field["name"]): str(field.get("value", "")) for field in form.select("input[name]:not([type=checkbox])")}
    typed |= {str(field["name"]): str(field["value"]) for field in form.select("input[type=checkbox][checked]")}
    typed |= {str(field["name"]): field.text.removeprefix("\n") for field in form.select("textarea[name]")}
    typed |= {str(field.parent["name"]): str(field["value"]) for field in form.select("option[selected]") if field.parent}
    saved = client.post(f"/en/staff/harvest/{harvest.name}/edit", data=typed, base_url=HERE, follow_redirects=False)
    assert saved.status_code == 302, saved.data[-3000:]
    assert harvest.get(f"/sources/{harvest.name}").json == told


def test_removals_and_errors_are_decided_on_the_page_of_the_run(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(4)
    harvest.ready("json_api", catalogue.settings())
    harvest.run()
    lost = catalogue.things.pop("set-000"), catalogue.things.pop("set-001")
    catalogue.things["set-002"] = Thing(table(5), "2", "<b>bold</b>")
    catalogue.instead["/file/set-002"] = says(404)
    run = harvest.run()
    client = browser(harvest)
    page = read(client, f"/en/staff/harvest/runs/{run['id']}")
    assert ("Withdraw them" in page, "There is nothing at" in page) == (True, True)
    assert "confirmation" in read(client, "/en/staff") or "Confirm the withdrawals" in read(client, "/en/staff")
    decided = {"way": "confirm_removals", "reason": "Agreed with the agency"}
    client.post(f"/en/staff/harvest/runs/{run['id']}/decision", data=decided, base_url=HERE, follow_redirects=False)
    assert counts(harvest.ended(run["id"]))["removed"] == len(lost)
    catalogue.instead.clear()
    again = client.post(
        f"/en/staff/harvest/runs/{run['id']}/again", data={"guid": "set-002"}, base_url=HERE, follow_redirects=False
    )
    ended = harvest.ended(again.headers["Location"].rsplit("/", 1)[-1])
    assert counts(ended)["changed"] == 1


@pytest.mark.parametrize(
    ("language", "rate", "ends", "point"),
    [
        ("kk", "Секундына жазба", "Күтілетін аяқталу уақыты", ","),
        ("ru", "Записей в секунду", "Ожидаемое завершение", ","),
        ("en", "Items a second", "Expected end", "."),
    ],
)
def test_a_run_under_way_tells_its_pace_and_its_end_alike_on_page_and_command_line(
    run: Run, harvest: Harvest, language: str, rate: str, ends: str, point: str
) -> None:
    session = model.Session()
    run.state, run.seen, run.discovered = "fetching", 1000, datetime.now(UTC) - timedelta(seconds=100)
    for place in range(1000):  # what was known to be unchanged was no work
        batch, outcome = (None, "unchanged") if place < 960 else (0, "added" if place < 980 else None)
        session.add(Item(run_id=run.id, guid=f"{place}", position=place, batch=batch, outcome=outcome))
    session.commit()
    told = harvest.get(f"/runs/{run.id}").json
    assert (told["rate"], told["seconds_left"]) == (pytest.approx(0.2, abs=0.04), pytest.approx(100, abs=30))
    assert progress(told) == f"Fetching: 980 of 1000, {told['rate']}/s, about {told['seconds_left']} s left"
    client, place_of_run = browser(harvest), f"/{language}/staff/harvest/runs/{run.id}"
    pace = BeautifulSoup(read(client, place_of_run), "html.parser").select_one("dl.pace")
    assert pace is not None
    assert [words.text for words in pace.select("dt")] == [rate, ends]
    assert re.fullmatch(rf"0\{point}(1\d*|2\d*)", pace.select("dd")[0].text)
    moment = datetime.fromisoformat(str(pace.select("time")[0]["datetime"]))
    assert abs(moment - datetime.fromisoformat(told["expected_end"])) < timedelta(seconds=60)
    model.Session.execute(update(Run).where(Run.id == run.id).values(state="finished"))
    model.Session.commit()
    assert BeautifulSoup(read(client, place_of_run), "html.parser").select_one("dl.pace") is None


def test_what_waits_for_a_person_is_told_on_the_page_of_the_run(harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(2)
    harvest.ready("json_api", catalogue.settings(), defaults={"approve": True})
    run = harvest.run()
    client = browser(harvest)
    words_of = {"kk": "адамның шешімін күтеді", "ru": "ждут решения человека", "en": "waiting for a person"}
    for language, words in words_of.items():
        page = BeautifulSoup(read(client, f"/{language}/staff/harvest/runs/{run['id']}"), "html.parser")
        assert f"2{words}" in [count.text.strip() for count in page.select(".counts .count")]
        link = page.select_one(".chips a[href$='outcome=waiting']")
        assert link is not None
        shown = BeautifulSoup(read(client, str(link["href"])), "html.parser")
        assert len(shown.select("table.report tbody tr")) == 2

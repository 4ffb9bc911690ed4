"""The event log of an agency, for its administrator: filtered, page by page, as a file; and reading it is an event too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan import model
from ckanext.kzopen.core import record
from ckanext.kzopen.core.desk import events_views

from tests.core.desk.conftest import page, said
from tests.publishing.conftest import Agency
from tests.publishing.test_staff_pages import Browser


def happened(agency: Agency, *verbs: str, **more: Any) -> None:
    actor = model.User.get(agency.user).id
    for verb in verbs:
        told = {"kind": "dataset", "object_id": "one", "verb": verb, "actor": actor, "agency": agency.id} | more
        record.write_event(model.Session, **told)
    model.Session.commit()


def shown(browser: Browser, query: str = "") -> list[str]:
    """What happened, by the page, without the reads of the log itself."""
    soup = page(browser.get(f"/en/staff/events{query}"))
    return [verb for verb in said(soup, "tbody tr td:nth-of-type(3)") if verb != "personal data read"]


def test_the_last_event_stands_first_and_another_agencys_are_not_told(
    administrator: Browser, administered: Agency, other_agency: Agency
) -> None:
    happened(administered, "create", "change")
    happened(other_agency, "purge")

    assert shown(administrator, "?kind=dataset") == ["changed", "created"]


def test_events_are_found_by_person_object_and_day(administrator: Browser, administered: Agency) -> None:
    happened(administered, "create", object_id="one")
    happened(administered, "change", object_id="two", actor="system:agencies")

    assert shown(administrator, f"?kind=dataset&person={administered.user}") == ["created"]
    assert shown(administrator, "?kind=dataset&object=two") == ["changed"]
    assert shown(administrator, "?kind=dataset&until=2020-01-01") == []
    assert shown(administrator, "?kind=dataset&since=2020-01-01") == ["changed", "created"]


def test_what_is_wrong_with_a_filter_is_told_by_its_field(administrator: Browser) -> None:
    soup = page(administrator.get("/ru/staff/events?person=nobody-at-all&since=31.12.2026"))

    assert said(soup, "#f-since-error") == ["Выберите дату (ГГГГ-ММ-ДД)."]
    assert "Никого с таким именем нет" in said(soup, "#f-person-error")[0]
    assert soup.select_one("#f-person")["value"] == "nobody-at-all"  # type: ignore[index]


def test_the_log_is_read_page_by_page_with_its_filters(
    administrator: Browser, administered: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_views, "SHOWN", 2)
    happened(administered, "create", "change", "purge")
    first = page(administrator.get("/en/staff/events?kind=dataset"))
    older = first.select_one("a[rel=next]")
    assert older is not None

    second = page(administrator.get(str(older["href"])))

    assert said(first, "tbody tr td:nth-of-type(3)") + said(second, "tbody tr td:nth-of-type(3)") == [
        "purged",
        "changed",
        "created",
    ]
    assert second.select_one("a[rel=next]") is None


def test_the_chosen_events_are_taken_as_json_lines(administrator: Browser, administered: Agency) -> None:
    happened(administered, "create", "change")

    answer = administrator.get("/staff/events.jsonl?kind=dataset")

    told = [json.loads(line) for line in answer.data.decode().splitlines()]
    assert [(event["verb"], event["agency"]) for event in told] == [
        ("create", administered.id),
        ("change", administered.id),
    ]


@pytest.mark.parametrize("path", ["/staff/events", "/staff/events.jsonl"])
def test_who_reads_the_log_is_noted_in_it(administrator: Browser, administered: Agency, path: str) -> None:
    assert administrator.get(path).status_code == 200

    told = record.events(model.Session, kind="event_log", agencies=[administered.id])
    assert [(event.verb, event.actor) for event in told] == [("read", model.User.get(administered.user).id)]


def test_who_only_publishes_does_not_read_the_log(staff: Browser) -> None:
    assert staff.get("/staff/events").status_code == 403
    assert staff.get("/staff/events.jsonl").status_code == 403

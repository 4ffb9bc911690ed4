"""The event log of an agency, for its administrator: filtered, page by page, as a file; and reading it is an event too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record
from ckanext.kzopen.core.desk import events_views
from ckanext.kzopen.core.desk.event_filter import asked
from ckanext.kzopen.core.texts import ASTANA

from tests.core.desk.conftest import page, said
from tests.publishing.conftest import Agency, new_agency
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


def test_events_are_found_by_what_happened(administrator: Browser, administered: Agency) -> None:
    happened(administered, "create", "change", "create")

    assert shown(administrator, "?kind=dataset&verb=create") == ["created", "created"]
    chosen = page(administrator.get("/ru/staff/events?verb=create")).select("#f-verb option[selected]")
    assert [(option["value"], option.get_text()) for option in chosen] == [("create", "создано")]


@pytest.fixture
def operator(app: CKANTestApp) -> Browser:
    """A browser in which an operator of the portal is signed in."""
    made = new_agency(app)
    model.User.get(made.user).sysadmin = True
    model.Session.commit()
    return Browser(app, made.user)


def test_an_operator_looks_at_one_agency_named_as_people_name_it(
    operator: Browser, administered: Agency, other_agency: Agency
) -> None:
    happened(administered, "create")
    happened(other_agency, "purge")

    assert shown(operator, f"?kind=dataset&object=one&agency={administered.name}") == ["created"]
    assert shown(operator, f"?kind=dataset&object=one&agency={other_agency.id}") == ["purged"]
    soup = page(operator.get(f"/en/staff/events?kind=dataset&agency={administered.name}"))
    assert "Агентство" in said(soup, "tbody td:nth-of-type(4)")[0]
    assert "There is no such agency" in said(page(operator.get("/en/staff/events?agency=nowhere")), "#f-agency-error")[0]


def test_another_agencys_events_are_not_found_by_naming_it(
    administrator: Browser, administered: Agency, other_agency: Agency
) -> None:
    happened(other_agency, "purge")

    soup = page(administrator.get(f"/en/staff/events?agency={other_agency.name}"))

    assert "There is no such agency" in said(soup, "#f-agency-error")[0]
    assert said(soup, "tbody tr") == []
    assert administrator.get(f"/staff/events.jsonl?agency={other_agency.name}").status_code == 422
    assert page(administrator.get("/staff/events")).select_one("#f-agency") is None, "there is one agency to choose from"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("2026-03-05", datetime(2026, 3, 5, tzinfo=ASTANA)),
        ("2026-03-05T10:00", datetime(2026, 3, 5, 10, tzinfo=ASTANA)),
        ("2026-03-05T10:00:00+00:00", datetime(2026, 3, 5, 10, tzinfo=UTC)),
    ],
)
def test_a_day_is_astanas_and_the_last_one_counts(text: str, first: datetime) -> None:
    found = asked(model.Session, {"since": text, "until": text}, None).filters

    assert found["since"] == first
    assert found["until"] - found["since"] == timedelta(days=1 if len(text) == 10 else 0)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "9999-12-31", "05.03.2026"])
def test_what_is_no_day_is_told_so(text: str) -> None:
    assert [error.code for error in asked(model.Session, {"until": text}, None).errors.values()] == ["desk.bad_day"]


def test_an_id_of_an_account_that_is_gone_is_still_looked_for() -> None:
    gone = str(uuid4())
    assert asked(model.Session, {"person": gone}, None).filters["actor"] == gone


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
    day = datetime.now(ASTANA).date().isoformat()
    happened(administered, "purge", object_id="two")
    asks = f"kind=dataset&object=one&since={day}&until={day}&person={administered.user}"
    first = page(administrator.get(f"/en/staff/events?{asks}"))
    older = first.select_one("a[rel=next]")
    assert older is not None

    second = page(administrator.get(str(older["href"])))

    assert said(first, "tbody tr td:nth-of-type(3)") + said(second, "tbody tr td:nth-of-type(3)") == [
        "purged",
        "changed",
        "created",
    ]
    assert second.select_one("a[rel=next]") is None


def test_older_events_keep_what_happened_and_the_agency(
    operator: Browser, administered: Agency, other_agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_views, "SHOWN", 1)
    for agency in (administered, other_agency):
        happened(agency, "create", "purge", "create")
    first = page(operator.get(f"/en/staff/events?kind=dataset&verb=create&agency={administered.name}"))

    second = page(operator.get(str(first.select_one("a[rel=next]")["href"])))  # type: ignore[index]

    assert said(second, "tbody tr td:nth-of-type(3)") == ["created"]
    assert second.select_one("a[rel=next]") is None
    lines = operator.get(str(second.select_one("a[href*='events.jsonl']")["href"])).data.decode().splitlines()  # type: ignore[index]
    assert [(line["verb"], line["agency"]) for line in map(json.loads, lines)] == [("create", administered.id)] * 2


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

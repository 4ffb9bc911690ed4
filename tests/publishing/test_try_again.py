"""A delivery that used up its tries is taken up again by a person, once; nobody needs the operator for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import jobs, record
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import decide, waiting
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.receive import TASK
from sqlalchemy import text

from tests.publishing.conftest import SCHOOLS, Agency, Api
from tests.publishing.test_staff_pages import Browser, page, settled_page
from tests.search.conftest import until

STATES = {
    "failed": "state = 'failed', error = 'OperationalError'",
    "checking": "state = 'checking'",
    "approved": "state = 'awaiting_approval', approver = sender, error = 'OperationalError'",
    "planned": "state = 'scheduled', publish_at = now() - interval '1 hour', error = 'OperationalError'",
}


@pytest.fixture
def staff(app: CKANTestApp, agency: Agency) -> Browser:
    return Browser(app, agency.user)


def given_up(api: Api, uri: str, state: str) -> str:
    """A checked delivery as a worker leaves it that has died too often on it: no job is left."""
    number = api.delivery(uri, SCHOOLS, "?check=only")["id"]
    until(lambda: number not in jobs.waiting(model.Session(), TASK, "delivery", [number]))  # its job ends after its answer
    change = text(f"UPDATE kzopen.delivery SET {STATES[state]}, received = now() - interval '1 hour' WHERE id = :id")
    model.Session.execute(change, {"id": number})
    if state == "planned":  # else a job looks for it each minute
        decide.give_up(model.Session(), model.Session.get_one(Delivery, UUID(number), populate_existing=True), "GaveUp")
    model.Session.commit()
    return str(number)


def retries(staff: Browser) -> list[str]:
    """The addresses of the buttons "Try again" among my tasks."""
    return [str(form["action"]) for form in page(staff.get("/staff")).select(".task-list form")]


@pytest.mark.parametrize("state", STATES)
def test_what_the_queue_has_given_up_is_taken_up_again_by_a_button_of_my_tasks(
    staff: Browser, api: Api, uri: str, state: str
) -> None:
    number = given_up(api, uri, state)
    address = f"/staff/deliveries/{number}"
    assert page(staff.get(address)).select_one(f"form[action$='{number}/again']") is not None
    button = next(found for found in retries(staff) if number in found)

    assert staff.post(button[button.index("/staff") :]).status_code == 302

    settled_page(staff, address)
    assert api.get(f"/deliveries/{number}").json["state"] == (
        "accepted" if state in ("approved", "planned") else "awaiting_approval"
    )
    assert not any(number in found for found in retries(staff))
    told = record.events(model.Session, kind="delivery", object_id=number)
    assert "check_again" in [event.verb for event in told]


@pytest.mark.parametrize(
    ("language", "words", "reason"),
    [
        ("kk", "Нұсқа жарияланды, файлдарын жүктеп алуға болады", "Себебі: «{uri}» деректер жиыны порталдан алынып тасталған"),
        ("ru", "Версия опубликована, её файлы можно скачать", "Причина: Набор данных «{uri}» изъят с портала"),
        ("en", "The version is published and its files can be downloaded", "Reason: OSError"),
    ],
)
def test_the_page_of_a_published_one_tells_that_it_is_not_shown_everywhere_and_why(
    staff: Browser, api: Api, uri: str, language: str, words: str, reason: str
) -> None:
    number = api.delivery(uri, SCHOOLS)["id"]
    until(lambda: number not in jobs.waiting(model.Session(), TASK, "delivery", [number]))
    change = text("UPDATE kzopen.delivery SET settled = NULL, error = :error WHERE id = :id")
    model.Session.execute(change, {"id": number, "error": "OSError" if language == "en" else "publishing.was_withdrawn"})
    model.Session.commit()

    told = page(staff.get(f"/{language}/staff/deliveries/{number}")).select_one(".notice-bad")

    assert told is not None
    assert told.select("p")[0].get_text().startswith(words)
    assert told.select("p")[1].get_text().startswith(reason.format(uri=uri))
    assert told.select_one(f"form[action$='{number}/again']") is not None


def test_nobody_waits_for_one_that_is_given_up(api: Api, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session: Any = model.Session()
    delivery = session.get_one(Delivery, UUID(given_up(api, uri, "approved")))
    heard: list[str] = []

    def hear(_driver: object, number: str, _seconds: float) -> None:
        heard.append(number)
        assert len(heard) == 1
        decide.give_up(session, delivery, "OSError")
        session.commit()

    monkeypatch.setattr(waiting, "_hear", hear)

    assert not waiting.wait_for(session, delivery, 20)
    told = api.call("GET", f"/deliveries/{delivery.id}", headers={"Prefer": "wait=20"})

    assert (heard, told.json["state"]) == ([str(delivery.id)], "awaiting_approval")


def test_two_clicks_are_one_try(api: Api, uri: str, agency: Agency) -> None:
    session: Any = model.Session()
    delivery = session.get_one(Delivery, UUID(given_up(api, uri, "failed")))
    decide.try_again(session, delivery, agency.user)

    with pytest.raises(KzError) as refused:
        decide.try_again(session, delivery, agency.user)

    assert refused.value.code == "publishing.cannot_try_again"


def test_a_delivery_for_which_a_job_still_waits_is_left_to_it(api: Api, uri: str) -> None:
    session: Any = model.Session()
    delivery = session.get_one(Delivery, UUID(given_up(api, uri, "failed")))
    assert decide.stuck(session, [delivery]) == [delivery]

    jobs.defer(session, "publishing.process", lock=f"dataset:{delivery.package_id}", delivery=str(delivery.id))

    assert decide.stuck(session, [delivery]) == []
    session.rollback()


def test_another_agencys_delivery_is_not_mine_to_try_again(app: CKANTestApp, api: Api, uri: str, other_agency: Agency) -> None:
    number = given_up(api, uri, "failed")
    stranger = Browser(app, other_agency.user)

    assert stranger.post(f"/staff/deliveries/{number}/again").status_code == 403
    assert not any(number in found for found in retries(stranger))

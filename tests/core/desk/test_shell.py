"""The shell of the staff's pages: who comes in, which desks they see, for which agency they work."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.desk import Desk, registry

from tests.core.desk.conftest import page, said
from tests.publishing.conftest import Agency, new_agency
from tests.publishing.test_staff_pages import Browser, upload

TITLE = {"kk": "Үлгі", "ru": "Образец", "en": "Sample"}


def member_of_both(app: CKANTestApp, agency: Agency, second: Agency) -> None:
    """Let the first agency's person work for the second one too."""
    told = {"id": second.id, "username": agency.user, "role": "editor"}
    with app.flask_app.test_request_context():
        tk.get_action("organization_member_create")({"ignore_auth": True, "user": ""}, told)


def test_the_desks_that_i_may_use_are_offered_and_the_present_one_is_marked(staff: Browser) -> None:
    soup = page(staff.get("/ru/staff/datasets"))

    assert "Наборы данных" in said(soup, ".desk-nav a[aria-current]")
    assert soup.select_one('.desk-nav a[href^="/ru/staff"]') is not None


def test_a_desk_whose_right_i_have_not_is_not_offered(staff: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._desks, "sample", Desk("sample", TITLE, "/staff/sample", "systems.manage"))

    assert "Sample" not in said(page(staff.get("/en/staff")), ".desk-nav a")


def test_a_desk_lies_below_staff() -> None:
    with pytest.raises(ValueError, match="/staff/"):
        registry.register(Desk("sample", TITLE, "/elsewhere"))


def test_the_first_link_of_a_page_leads_past_the_desks_to_its_content(staff: Browser) -> None:
    soup = page(staff.get("/en/staff"))

    first = soup.select_one("body a")
    assert first is not None
    assert soup.select_one(str(first["href"])) is soup.select_one("[role=main]")


def test_who_works_for_two_agencies_chooses_one_and_sees_only_its_data_sets(
    app: CKANTestApp, agency: Agency, other_agency: Agency, uri: str
) -> None:
    member_of_both(app, agency, other_agency)
    browser = Browser(app, agency.user)
    both = page(browser.get("/en/staff/datasets"))
    assert both.select_one(f'a[href$="/staff/datasets/{uri}"]') is not None

    answer = browser.post("/en/staff/agency", data={"agency": other_agency.id, "back": "/staff/datasets"})
    assert answer.headers["Location"].endswith("/en/staff/datasets")

    chosen = page(browser.get("/en/staff/datasets"))
    assert chosen.select_one(f"option[value='{other_agency.id}'][selected]") is not None
    assert chosen.select_one(f'a[href$="/staff/datasets/{uri}"]') is None


def test_an_agency_that_is_not_mine_is_not_chosen(app: CKANTestApp, agency: Agency, other_agency: Agency) -> None:
    third = new_agency(app)
    member_of_both(app, agency, other_agency)
    browser = Browser(app, agency.user)

    browser.post("/staff/agency", data={"agency": third.id})

    assert page(browser.get("/staff/datasets")).select_one("option[value][selected]") is None


@pytest.mark.parametrize("back", ["https://example.org/staff/x", "//example.org/staff", "/\\example.org/staff", "/dataset"])
def test_the_switch_leads_nowhere_but_to_the_workstation(staff: Browser, back: str) -> None:
    answer = staff.post("/staff/agency", data={"agency": "", "back": back})

    assert answer.headers["Location"].rstrip("/").endswith("/staff")
    assert "example.org" not in answer.headers["Location"]


def test_a_delivery_that_awaits_a_decision_is_my_task_until_it_is_decided(staff: Browser, api: object, uri: str) -> None:
    from tests.publishing.conftest import SCHOOLS
    from tests.publishing.test_staff_pages import settled_page

    address = upload(staff, uri, SCHOOLS)
    settled_page(staff, address)
    path = address[address.index("/staff") :]

    assert staff_tasks(staff)[path] == "Decide on the publication"

    staff.post(f"{path}/publish")
    settled_page(staff, address)
    assert path not in staff_tasks(staff)


def staff_tasks(staff: Browser) -> dict[str, str]:
    """What waits: the address of each task, and what is to be done."""
    soup = page(staff.get("/en/staff"))
    rows = soup.select(".task")
    return {str(row.a["href"]).removeprefix("/en"): row.select_one(".task-about span").get_text() for row in rows}  # type: ignore[index, union-attr]

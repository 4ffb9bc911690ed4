"""Search and the list of people tell what one may see, and nothing of other agencies."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp

from tests.core.desk.conftest import page, said
from tests.publishing.conftest import SCHOOLS, Agency, Api, new_agency
from tests.publishing.test_staff_pages import Browser


def hits(browser: Browser, words: str) -> list[str]:
    soup = page(browser.get(f"/en/staff/search?q={words}"))
    return [str(link["href"]).split("?")[0].removeprefix("/en") for link in soup.select(".task-title")]


def test_a_data_set_of_mine_is_found_by_a_part_of_its_title_and_a_strangers_is_not(
    staff: Browser, stranger: Browser, uri: str
) -> None:
    part = uri.removeprefix("schools-")

    assert hits(staff, part) == [f"/staff/datasets/{uri}"]
    assert f"/staff/datasets/{uri}" in hits(staff, "тізімі")
    assert hits(stranger, part) == []


def test_a_delivery_is_found_by_its_number_in_its_agency_only(staff: Browser, stranger: Browser, api: Api, uri: str) -> None:
    number = api.delivery(uri, SCHOOLS)["id"]

    assert hits(staff, number) == [f"/staff/deliveries/{number}"]
    assert hits(stranger, number) == []


def test_a_person_of_my_agency_is_found(staff: Browser, stranger: Browser, agency: Agency) -> None:
    assert hits(staff, agency.user) == ["/staff/people"]
    assert hits(stranger, agency.user) == []


@pytest.mark.parametrize("words", ["%25%25", "__", "%5C%5C"])
def test_signs_of_patterns_are_searched_for_as_they_are(staff: Browser, uri: str, words: str) -> None:
    assert hits(staff, words) == []


def test_one_letter_is_not_searched_for(staff: Browser, uri: str) -> None:
    assert said(page(staff.get("/ru/staff/search?q=ш")), ".notice") == ["Впишите хотя бы два знака."]


def test_the_people_of_my_agency_are_listed_with_their_roles(staff: Browser, agency: Agency) -> None:
    soup = page(staff.get("/en/staff/people"))

    rows = said(soup, "tbody tr")
    assert any(row.startswith(agency.user) and "Author" in row for row in rows)
    assert any(row.startswith(agency.user) and "Approver" in row for row in rows)


def test_another_agencys_people_are_not_listed(staff: Browser, other_agency: Agency) -> None:
    assert other_agency.user not in " ".join(said(page(staff.get("/staff/people")), "tbody"))
    assert staff.get(f"/staff/people?agency={other_agency.name}").status_code == 403


def test_who_sees_all_agencies_names_one_or_looks_at_the_roles_of_the_portal(app: CKANTestApp, agency: Agency) -> None:
    operator = new_agency(app)
    model.User.get(operator.user).sysadmin = True
    model.Session.commit()
    browser = Browser(app, operator.user)
    listed = said(page(browser.get("/en/staff/people")), "tbody tr")
    assert any(row.startswith(operator.user) and "Operator the whole portal" in row for row in listed)
    assert not any(agency.user in row or row.startswith("default ") for row in listed)
    assert page(browser.get("/staff/people?agency=nowhere")).select_one("tbody") is None
    assert agency.user in " ".join(said(page(browser.get(f"/staff/people?agency={agency.name}")), "tbody"))


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_shortcuts_are_told_and_lead_where_they_say(staff: Browser, language: str) -> None:
    soup = page(staff.get(f"/{language}/staff/help"))

    told = {found.get_text()[-1] for found in soup.select("dl.keys dt") if "Alt" in found.get_text()}
    assert told == {str(link["data-shortcut"]) for link in soup.select("a[data-shortcut]")}

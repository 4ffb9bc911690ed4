"""The pages of information systems: an administrator of the agency registers one, issues, replaces and revokes its tokens."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record
from ckanext.kzopen.core.people.systems import System, admitted
from ckanext.kzopen.core.people.systems.model import EVERYTHING

from tests.core.desk.conftest import page, said
from tests.publishing.conftest import Agency, Api, new_agency, passport
from tests.publishing.test_staff_pages import Browser

TOLD = {"name": "Тізілім жүйесі", "bin": "000140000012", "contact": "Деректер бөлімі", "email": "data@example.org"}


def registered(browser: Browser, agency: Agency, **more: Any) -> str:
    """The address of a new system of the agency, for all its data sets."""
    answer = browser.post("/staff/systems/new", data={**TOLD, "agency": agency.id, "datasets": "all", **more})
    assert answer.status_code == 302, answer.data[:2000]
    location = str(answer.headers["Location"])
    return location[location.index("/staff/systems/") :]


def issued(browser: Browser, system: str, **more: Any) -> str:
    """The token that the page shows this one time."""
    given = {"expires": "2028-12-31", "addresses": "", "may": list(EVERYTHING), **more}
    soup = page(browser.post(f"{system}/tokens/new", data=given))
    return said(soup, "#the-token")[0]


def rotations(soup: BeautifulSoup) -> list[str]:
    return [str(link["href"])[str(link["href"]).index("/staff") :] for link in soup.select("a[href$='/rotate']")]


def test_a_system_is_registered_and_told_with_its_agency(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)

    assert said(page(administrator.get(system)), "h1") == ["Тізілім жүйесі"]
    assert page(administrator.get("/staff/systems")).select_one(f"a[href$='{system}']") is not None
    told = record.events(model.Session, kind="information_system", object_id=system.rsplit("/", 1)[1])
    assert [(event.verb, event.agency) for event in told] == [("register", administered.id)]


def test_mistakes_are_told_by_their_fields_and_nothing_typed_is_lost(administrator: Browser, administered: Agency) -> None:
    given = {**TOLD, "agency": administered.id, "bin": "123", "datasets": "some"}

    soup = page(administrator.post("/ru/staff/systems/new", data=given))

    assert said(soup, "#f-bin-error") == ["БИН – это 12 цифр, последняя контрольная. Проверьте номер."]
    assert said(soup, "#f-datasets-error") == ["Выберите хотя бы один набор данных или отметьте «все наборы»."]
    assert soup.select_one("#f-name")["value"] == TOLD["name"]  # type: ignore[index]


def test_a_system_may_be_for_named_data_sets(app: CKANTestApp, administrator: Browser, administered: Agency) -> None:
    Api(app, administered.token).put(name := f"for-{administered.name}", passport(administered.name))
    package = model.Package.get(name).id

    system = registered(administrator, administered, datasets="some", dataset=[package, "of-another-agency"])

    found = model.Session.get(System, system.rsplit("/", 1)[1])
    assert found is not None
    assert found.datasets == [package]
    assert page(administrator.get(f"{system}/edit")).select_one(f"#f-{package}[checked]") is not None


def test_a_token_is_shown_once(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)

    key = uuid4().hex

    secret = issued(administrator, system, key=key)

    assert admitted(model.Session, secret, None).system.agency_id == administered.id
    soup = page(administrator.get(system))
    assert secret not in str(soup)
    assert secret[:12] in str(soup)
    again = page(administrator.post(f"{system}/tokens/new", data={"expires": "2028-12-31", "key": key}))
    assert again.select_one("#the-token") is None
    assert len(page(administrator.get(system)).select(".task")) == 1


def test_a_wrong_address_in_the_form_is_told_by_its_field(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)

    soup = page(
        administrator.post(f"/kk{system}/tokens/new", data={"expires": "2028-12-31", "addresses": "10.0.0.0/8\nсервер"})
    )

    assert said(soup, "#f-addresses-error") == [
        "«сервер» – IP мекенжай да, желі де емес. Мысалы: 203.0.113.7 немесе 203.0.113.0/24"
    ]
    assert "10.0.0.0/8" in said(soup, "#f-addresses")[0]
    assert soup.select_one("#the-token") is None


def test_a_token_is_replaced_and_both_are_valid_for_a_while(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)
    old = issued(administrator, system, addresses="10.0.0.0/8")
    address = rotations(page(administrator.get(system)))[0]
    assert said(page(administrator.get(address)), "#f-addresses") == ["10.0.0.0/8"]

    soup = page(administrator.post(address, data={"expires": "2028-12-31", "hours": "24", "addresses": ""}))

    new = said(soup, "#the-token")[0]
    for secret in (old, new):
        assert str(admitted(model.Session, secret, "10.0.0.1").system.id) in system
    assert len(rotations(page(administrator.get(system)))) == 1


def boxes(soup: BeautifulSoup) -> list[str]:
    """What a token may do as the form proposes it."""
    return [str(box["value"]) for box in soup.select("input[name=may][checked]")]


def test_a_token_may_everything_unless_the_form_says_otherwise(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)

    assert boxes(page(administrator.get(f"{system}/tokens/new"))) == list(EVERYTHING)


def test_what_a_token_may_is_shown_kept_at_rotation_and_in_the_event(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)
    secret = issued(administrator, system, may=["append", "upsert"])

    assert admitted(model.Session, secret, None).limits.may == ("append", "upsert")
    soup = page(administrator.get(f"/en{system}"))
    assert "It may: append rows, change rows by key" in said(soup, ".task-about span")
    address = rotations(soup)[0]
    assert boxes(page(administrator.get(address))) == ["append", "upsert"]
    again = page(administrator.post(address, data={"expires": "no day", "may": ["append"]}))
    assert boxes(again) == ["append"]
    told = record.events(model.Session, newest_first=True, kind="system_token", verb="issue")
    assert [event.new["may"] for event in told if event.new["hint"] == secret[:12]] == ["append, upsert"]


def test_a_token_for_which_nothing_is_chosen_only_reads(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)
    secret = issued(administrator, system, may=["everything"])

    assert admitted(model.Session, secret, None).limits.may == ()
    assert "Разрешено: только чтение" in said(page(administrator.get(f"/ru{system}")), ".task-about span")
    assert "Рұқсаты: тек оқу" in said(page(administrator.get(f"/kk{system}")), ".task-about span")


def test_a_token_is_revoked(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)
    issued(administrator, system)
    form = page(administrator.get(system)).select_one("form[action$='/revoke']")
    assert form is not None
    action = str(form["action"])

    administrator.post(action[action.index("/staff") :])

    soup = page(administrator.get(f"/en{system}"))
    assert "revoked" in said(soup, ".task .state")
    assert soup.select_one("form[action$='/revoke']") is None


def test_a_closed_system_gets_no_token(administrator: Browser, administered: Agency) -> None:
    system = registered(administrator, administered)

    administrator.post(f"{system}/close")

    assert page(administrator.get(system)).select_one("a[href$='/tokens/new']") is None
    soup = page(administrator.post(f"/en{system}/tokens/new", data={"expires": "2028-12-31"}))
    assert said(soup, ".notice-bad") == ["The information system “Тізілім жүйесі” is closed."]


PAGES = [("GET", ""), ("GET", "/edit"), ("POST", "/edit"), ("GET", "/tokens/new"), ("POST", "/tokens/new"), ("POST", "/close")]


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_another_agencys_systems_are_closed_even_to_its_administrator(
    app: CKANTestApp, administrator: Browser, administered: Agency, method: str, path: str
) -> None:
    system = registered(administrator, administered)
    stranger = Browser(app, new_agency(app, "admin").user)

    assert stranger.client.open(f"{system}{path}", method=method).status_code == 403
    assert page(stranger.get("/staff/systems")).select_one(f"a[href$='{system}']") is None


def test_a_token_of_another_system_is_not_replaced_through_mine(
    app: CKANTestApp, administrator: Browser, administered: Agency
) -> None:
    other = new_agency(app, "admin")
    theirs_browser = Browser(app, other.user)
    theirs = registered(theirs_browser, other)
    secret = issued(theirs_browser, theirs)
    token = rotations(page(theirs_browser.get(theirs)))[0].split("/")[-2]
    mine = registered(administrator, administered)

    for act in ("rotate", "revoke"):
        assert administrator.post(f"{mine}/tokens/{token}/{act}", data={"expires": "2028-12-31"}).status_code == 401

    assert str(admitted(model.Session, secret, None).system.id) in theirs


def test_a_system_of_another_agency_cannot_be_registered(administrator: Browser, other_agency: Agency) -> None:
    answer = administrator.post("/staff/systems/new", data={**TOLD, "agency": other_agency.id, "datasets": "all"})

    assert answer.status_code == 403


def test_who_only_publishes_has_no_systems(staff: Browser) -> None:
    assert staff.get("/staff/systems").status_code == 403
    assert staff.get("/staff/systems/new").status_code == 403
    assert page(staff.get("/staff")).select_one(".desk-nav a[href$='/staff/systems']") is None

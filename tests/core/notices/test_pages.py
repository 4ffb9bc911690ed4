"""The pages as readers use them: following, the bell, one-click unsubscription, double opt-in, feeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import notices
from ckanext.kzopen.core.notices import subscriptions, tokens
from lxml import etree
from sqlalchemy import text

from tests.core.notices.conftest import KIND, values
from tests.publishing.conftest import Agency, Api, new_agency, passport

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture(autouse=True)
def _context() -> Iterator[None]:
    """Each request has a context of its own: one around them all would share who is signed in."""
    yield
    model.Session.remove()


class Browser:
    """A browser that stays where a redirect begins; Flask's cookie of a signed-in client belongs to `localhost`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self, path: str, **given: Any) -> Any:
        return self._client.get(path, base_url="http://localhost/", follow_redirects=False, **given)

    def post(self, path: str, **given: Any) -> Any:
        return self._client.post(path, base_url="http://localhost/", follow_redirects=False, **given)


@pytest.fixture
def agency(app: CKANTestApp) -> Agency:
    return new_agency(app)


@pytest.fixture
def reader(agency: Agency) -> str:
    """The id of an account."""
    return str(model.User.get(agency.user).id)


@pytest.fixture
def browser(app: CKANTestApp, agency: Agency) -> Any:
    """A browser in which the account is signed in."""
    return Browser(app.test_client(user=model.User.get(agency.user)))


@pytest.fixture
def visitor(app: CKANTestApp) -> Any:
    """A browser without an account."""
    return Browser(app.test_client())


@pytest.fixture
def address() -> Iterator[str]:
    made = f"{uuid4().hex[:12]}@example.org"
    yield made
    for table in ("subscription WHERE reader", "notice WHERE reader", "mail WHERE recipient"):
        model.Session.execute(text(f"DELETE FROM kzopen.{table} = :address"), {"address": made})
    model.Session.commit()


def told(reader: str, title: str, about: str = "paper:1", **given: Any) -> None:
    """A piece of committed news for one reader."""
    notices.tell(model.Session, KIND, about, key=uuid4().hex, values=values(title), people=[reader], followers=False, **given)
    model.Session.commit()


def page(answer: Any) -> BeautifulSoup:
    assert answer.status_code == 200, answer.status_code
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser")


def row_of(reader: str) -> Any:
    model.Session.rollback()
    wanted = "SELECT what, target, how, language, confirmed FROM kzopen.subscription WHERE reader = :reader"
    return model.Session.execute(text(wanted), {"reader": reader}).first()


def mail_to(address: str) -> Any:
    wanted = "SELECT template, text, subject FROM kzopen.mail WHERE recipient = :address ORDER BY id DESC"
    return model.Session.execute(text(wanted), {"address": address}).first()


def path_in(letter: str) -> str:
    found = re.search(r"https?://[^/]+(/\S+)", letter)
    assert found, letter
    return found.group(1)


@pytest.mark.usefixtures("private")
def test_the_bell_counts_what_is_unread_and_the_page_shows_it(browser: Any, reader: str) -> None:
    assert page(browser.get("/en/dataset/")).select_one(".bell .count") is None
    told(reader, "Paper <1>")
    told(reader, "Paper 2")
    assert page(browser.get("/en/dataset/")).select_one(".bell .count").get_text() == "2 unread"
    found = page(browser.get("/en/notices"))
    assert [item.get_text() for item in found.select(".notice-list .unread a")] == ["Paper 2", "Paper <1>"]
    newest = found.select_one("input[name=newest]")["value"]
    told(reader, "Paper 3")
    browser.post("/en/notices/read", data={"newest": newest})
    assert [item.get_text() for item in page(browser.get("/en/notices")).select(".unread a")] == ["Paper 3"]


def test_who_is_not_signed_in_has_no_bell_and_is_asked_to_sign_in(visitor: Any) -> None:
    assert page(visitor.get("/en/dataset/")).select_one(".bell") is None
    assert "/user/login" in visitor.get("/en/notices").headers["Location"]


def test_a_notice_of_what_became_private_is_not_shown(browser: Any, reader: str, private: set[str]) -> None:
    told(reader, "Paper 7", "paper:7")
    private.add("7")
    assert "Paper 7" not in page(browser.get("/en/notices")).get_text()


def test_following_an_agency_from_its_page_changing_and_leaving(browser: Any, agency: Agency, reader: str) -> None:
    link = page(browser.get(f"/ru/organization/{agency.name}")).select_one("a.follow")["href"]
    form = page(browser.get(link)).select_one("form.panel")
    sent = {item["name"]: item["value"] for item in form.select("input[type=hidden]") if item["name"] in ("what", "target")}
    assert sent == {"what": "agency", "target": agency.id}
    browser.post("/ru/notices/follow", data=sent | {"how": "at_once"})
    assert row_of(reader)[:4] == ("agency", agency.id, "at_once", "ru")
    change = page(browser.get("/ru/notices")).select_one("form.following")["action"]
    browser.post(change, data={"how": "feed"})
    assert row_of(reader).how == "feed"
    browser.post(change, data={"how": ""})
    assert row_of(reader) is None


def test_nobody_changes_what_another_follows(app: CKANTestApp, browser: Any, reader: str) -> None:
    number = subscriptions.follow(model.Session, reader, "section", "opendata", "daily", "kk")
    model.Session.commit()
    other = Browser(app.test_client(user=model.User.get(new_agency(app).user)))
    assert other.post(f"/notices/following/{number}", data={"how": ""}).status_code == 404
    assert row_of(reader).how == "daily"


@pytest.mark.parametrize(
    ("what", "target"), [("thing", "paper:1"), ("thing", "package:none"), ("agency", "none"), ("section", "none"), ("x", "y")]
)
def test_what_is_not_there_cannot_be_followed(browser: Any, what: str, target: str) -> None:
    assert browser.get("/notices/follow", query_string={"what": what, "target": target}).status_code == 404


def test_a_citizen_follows_by_mail_after_confirming_the_address(visitor: Any, agency: Agency, address: str) -> None:
    form = {"what": "agency", "target": agency.id, "how": "at_once", "email": address.upper()}
    answer = visitor.post("/en/notices/follow", data=form)
    assert address.upper().split("@")[0] in answer.get_data(as_text=True)
    assert row_of(address).confirmed is None
    sent = mail_to(address)
    assert sent.template == "notices.confirm"
    link = path_in(sent.text)
    assert page(visitor.get(link)).select_one("form button")
    assert row_of(address).confirmed is None
    page(visitor.post(link))
    assert row_of(address).confirmed is not None


def test_what_a_citizen_has_confirmed_is_not_changed_by_who_types_the_address(
    visitor: Any, agency: Agency, address: str
) -> None:
    number = subscriptions._follow(model.Session, address, "agency", agency.id, "daily", "kk", confirmed=True).id
    model.Session.commit()
    form = {"what": "agency", "target": agency.id, "how": "at_once", "email": address}
    first = visitor.post("/en/notices/follow", data=form).get_data(as_text=True)
    assert (row_of(address).how, mail_to(address)) == ("daily", None)
    subscriptions.stop_mails(model.Session, address, number)
    model.Session.commit()
    assert visitor.post("/en/notices/follow", data=form).get_data(as_text=True).count("notice-info") == first.count(
        "notice-info"
    )


def test_a_wrong_address_is_told_by_its_field_and_nothing_typed_is_lost(visitor: Any, agency: Agency) -> None:
    form = {"what": "agency", "target": agency.id, "how": "at_once", "email": "aigul at example"}
    answer = visitor.post("/ru/notices/follow", data=form)
    found = BeautifulSoup(answer.get_data(as_text=True), "html.parser")
    field = found.select_one("#field-email")
    assert (answer.status_code, field["value"], field["aria-invalid"]) == (400, "aigul at example", "true")
    assert "не адрес электронной почты" in found.select_one(f"#{field['aria-describedby']}").get_text()
    assert found.select_one("option[selected]")["value"] == "at_once"


def test_one_click_unsubscription_needs_neither_cookies_nor_a_page(app: CKANTestApp, agency: Agency, address: str) -> None:
    one = subscriptions._follow(model.Session, address, "agency", agency.id, "daily", "kk", confirmed=True).id
    subscriptions._follow(model.Session, address, "section", "opendata", "daily", "kk", confirmed=True)
    model.Session.commit()
    link = f"/notices/unsubscribe/{tokens.unsubscribe(address, one)}"
    program = Browser(app.test_client(use_cookies=False))
    assert page(program.get(link)).select_one("form button")
    assert row_of(address).what == "agency"
    answer = program.post(link, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store, private")
    assert row_of(address).what == "section"
    program.post(f"/notices/unsubscribe/{tokens.unsubscribe(address, None)}")
    assert row_of(address) is None


def test_an_account_that_unsubscribes_keeps_its_notices_in_the_portal(app: CKANTestApp, reader: str) -> None:
    subscriptions.follow(model.Session, reader, "section", "opendata", "daily", "kk")
    model.Session.commit()
    Browser(app.test_client(use_cookies=False)).post(f"/notices/unsubscribe/{tokens.unsubscribe(reader, None)}")
    found = {row.what: row.how for row in subscriptions.of_reader(model.Session, reader)}
    assert found == {"section": "feed", "personal": "feed"}


@pytest.mark.parametrize("path", ["unsubscribe", "confirm"])
def test_a_forged_link_does_nothing(visitor: Any, address: str, path: str) -> None:
    token = tokens.unsubscribe(address, None)
    for forged in (token[:-2], "x", tokens.confirm(1) if path == "unsubscribe" else token):
        assert visitor.post(f"/notices/{path}/{forged}").status_code == 404


def entries(answer: Any) -> list[str]:
    assert answer.headers["Content-Type"] == "application/atom+xml"
    return [str(title) for title in etree.fromstring(answer.get_data()).xpath("//a:entry/a:title/text()", namespaces=ATOM)]


@pytest.mark.usefixtures("private")
def test_the_personal_feed_has_a_secret_address_that_can_be_changed(browser: Any, visitor: Any, reader: str) -> None:
    told(reader, "Paper 1")
    feed = path_in(page(browser.get("/en/notices")).select_one("a.secret-address")["href"])
    assert entries(visitor.get(feed)) == ["Paper 1"]
    assert visitor.get(feed[:-7] + ".atom").status_code == 404
    browser.post("/en/notices/feed")
    assert visitor.get(feed).status_code == 404
    assert entries(visitor.get(path_in(page(browser.get("/en/notices")).select_one("a.secret-address")["href"]))) == [
        "Paper 1"
    ]


def test_the_feed_of_an_agency_has_what_everybody_may_see(visitor: Any, agency: Agency, private: set[str]) -> None:
    for n in (1, 2):
        notices.tell(
            model.Session,
            KIND,
            f"paper:{n}",
            key=uuid4().hex,
            values=values(f"Paper {n}"),
            agency=agency.id,
            section="opendata",
        )
    model.Session.commit()
    assert entries(visitor.get(f"/en/notices/agency/{agency.id}.atom")) == ["Paper 2", "Paper 1"]
    assert entries(visitor.get("/en/notices/section/opendata.atom"))[:2] == ["Paper 2", "Paper 1"]
    private.add("1")
    assert entries(visitor.get(f"/en/notices/agency/{agency.id}.atom")) == ["Paper 2"]


def test_a_data_set_is_called_by_its_name_in_the_readers_language(app: CKANTestApp, browser: Any, agency: Agency) -> None:
    name = f"schools-{uuid4().hex[:8]}"
    assert Api(app, agency.token).put(name, passport(agency.name)).status_code == 201
    link = page(browser.get(f"/ru/dataset/{name}")).select_one("a.follow")["href"]
    assert page(browser.get(link)).select_one(".lead strong").get_text() == "Перечень школ"

"""Who has no account sees and ends everything that is sent to the address, by a link that only its mailbox gets."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.bounces import mark
from ckanext.kzopen.core.notices import addresses, subscriptions, tokens
from ckanext.kzopen.core.notices.view_parts import PER_VISITOR
from ckanext.kzopen.core.people.throttle import forget

from tests.core.notices.test_pages import (
    Browser,
    _context,
    address,
    agency,
    browser,
    mail_to,
    page,
    path_in,
    reader,
    row_of,
    visitor,
)
from tests.publishing.conftest import Agency

__all__ = ["_context", "address", "agency", "browser", "reader", "visitor"]


@pytest.fixture(autouse=True)
def _asked_anew() -> None:
    """Every test asks from the same address of this machine: what others have asked for in this hour does not count."""
    forget(PER_VISITOR, "127.0.0.1")


LANGUAGES = {"kk": "", "ru": "/ru", "en": "/en"}


def followed(address: str, what: str = "section", target: str = "opendata", *, confirmed: bool = True) -> int:
    made = subscriptions._follow(model.Session, address, what, target, "daily", "ru", confirmed=confirmed)
    model.Session.commit()
    return int(made.id)


def link_of(visitor: Any, address: str, prefix: str = "/en") -> str:
    answer = visitor.post(f"{prefix}/notices/by-mail", data={"email": address.upper()})
    assert answer.status_code == 200
    sent = mail_to(address)
    assert sent.template == "notices.by_mail"
    return path_in(sent.text)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_mailed_link_shows_all_that_the_address_follows(visitor: Any, agency: Agency, address: str, language: str) -> None:
    followed(address)
    followed(address, "agency", agency.id)
    link = link_of(visitor, address, LANGUAGES[language])
    answer = visitor.get(link)
    assert len(page(answer).select("form.following")) == 2
    assert BeautifulSoup(answer.get_data(as_text=True), "html.parser").html["lang"].startswith(language)
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store, private", "no-referrer")


def test_one_is_changed_one_is_ended_and_the_other_stays(visitor: Any, agency: Agency, address: str) -> None:
    first, second = followed(address), followed(address, "agency", agency.id)
    link = link_of(visitor, address)
    visitor.post(link, data={"number": second, "how": "at_once"})
    assert {row.id: row.how for row in subscriptions.of_reader(model.Session, address)} == {first: "daily", second: "at_once"}
    visitor.post(link, data={"number": second, "how": ["at_once", ""]})  # the list, then the pressed button
    assert row_of(address).what == "section"


def test_all_are_ended_at_once(visitor: Any, agency: Agency, address: str) -> None:
    followed(address)
    followed(address, "agency", agency.id)
    link = link_of(visitor, address)
    assert (
        page(
            visitor.post(
                link,
                data={"all": "1"},
            )
            and visitor.get(link)
        ).select("form.following")
        == []
    )
    assert row_of(address) is None


def test_the_answer_is_the_same_whoever_follows_and_only_a_follower_gets_mail(visitor: Any, address: str) -> None:
    def asked() -> str:
        text = page(visitor.post("/en/notices/by-mail", data={"email": address})).select_one("[role=main]").get_text()
        return str(text)

    nobody = asked()
    assert mail_to(address) is None
    followed(address, confirmed=False)
    assert (asked(), mail_to(address)) == (nobody, None)
    followed(address)
    assert asked() == nobody
    assert mail_to(address).template == "notices.by_mail"


def test_what_was_not_confirmed_is_neither_shown_nor_confirmed_by_the_page(visitor: Any, agency: Agency, address: str) -> None:
    followed(address)
    pending = followed(address, "agency", agency.id, confirmed=False)
    link = link_of(visitor, address)
    assert len(page(visitor.get(link)).select("form.following")) == 1
    assert visitor.post(link, data={"number": pending, "how": "at_once"}).status_code == 404
    assert subscriptions.find(model.Session, address, "agency", agency.id).confirmed is None  # type: ignore[union-attr]


def test_the_link_reaches_nothing_of_another_reader(visitor: Any, reader: str, address: str) -> None:
    followed(address)
    others = subscriptions.follow(model.Session, reader, "section", "opendata", "daily", "kk")
    model.Session.commit()
    link = link_of(visitor, address)
    assert visitor.post(link, data={"number": others, "how": ""}).status_code == 404
    assert row_of(reader).how == "daily"


def test_mail_is_the_only_way_without_an_account(visitor: Any, address: str) -> None:
    number = followed(address)
    assert visitor.post(link_of(visitor, address), data={"number": number, "how": "feed"}).status_code == 404
    assert row_of(address).how == "daily"


def test_an_old_or_forged_link_opens_nothing(visitor: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    followed(address)
    link = link_of(visitor, address)
    assert visitor.get(link).status_code == 200
    for forged in (tokens.unsubscribe(address, None), tokens.confirm(1), tokens.by_mail(address)[:-2], "x"):
        assert visitor.get(f"/notices/by-mail/{forged}").status_code == 404
        assert visitor.post(f"/notices/by-mail/{forged}", data={"all": "1"}).status_code == 404
    monkeypatch.setattr(tokens, "BY_MAIL_SECONDS", -1)
    assert visitor.get(link).status_code == 404
    assert visitor.post(link, data={"all": "1"}).status_code == 404
    assert row_of(address) is not None


def test_looking_at_the_link_changes_nothing(visitor: Any, address: str) -> None:
    followed(address)
    before = row_of(address)
    visitor.get(link_of(visitor, address))
    assert row_of(address) == before


def test_an_address_gets_at_most_five_links_a_day_known_or_not(app: CKANTestApp, address: str) -> None:
    browser, unknown = Browser(app.test_client()), f"{uuid4().hex[:12]}@example.org"
    followed(address)
    for one in (address, unknown):
        spread = [f"198.51.100.{n}" for n in range(6)]
        codes = [
            browser.post("/notices/by-mail", data={"email": one}, environ_base={"REMOTE_ADDR": ip}).status_code
            for ip in spread
        ]
        assert codes == [200, 200, 200, 200, 200, 429]


def test_a_wrong_address_is_told_by_its_field(visitor: Any) -> None:
    answer = visitor.post("/ru/notices/by-mail", data={"email": "aigul at example"})
    field = BeautifulSoup(answer.get_data(as_text=True), "html.parser").select_one("#field-email")
    assert (answer.status_code, field["value"], field["aria-invalid"]) == (400, "aigul at example", "true")


def test_mails_lead_each_reader_to_the_page_that_is_theirs(app: CKANTestApp, address: str, reader: str) -> None:
    with app.flask_app.test_request_context():
        assert addresses.settings(address, "ru").endswith("/ru/notices/by-mail")
        assert addresses.settings(reader, "ru").endswith("/ru/notices")


def test_the_pressed_button_ends_it_on_the_page_of_an_account_too(browser: Any, reader: str) -> None:
    number = subscriptions.follow(model.Session, reader, "section", "opendata", "daily", "kk")
    model.Session.commit()
    browser.post(f"/notices/following/{number}", data={"how": ["daily", ""]})
    assert row_of(reader) is None


@pytest.mark.parametrize("sent", [{"arrive": "1"}, {"number": "followed", "how": "daily"}], ids=["the button", "a change"])
def test_a_used_link_shows_that_mails_arrive_again(visitor: Any, address: str, sent: dict[str, str]) -> None:
    number = followed(address)
    mark(model.Session, address, "550 5.1.1 no such mailbox")
    model.Session.commit()
    link = link_of(visitor, address)
    assert "came back on" in page(visitor.get(link)).get_text()
    assert mail.is_dead(model.Session, address), "looking shows nothing: mail filters follow links"
    visitor.post(link, data=sent | ({"number": str(number)} if "number" in sent else {}))
    model.Session.rollback()
    assert not mail.is_dead(model.Session, address)
    assert "came back on" not in page(visitor.get(link)).get_text()
    assert row_of(address).how == "daily"

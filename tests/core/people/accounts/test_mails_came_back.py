"""An address whose mails came back: its owner is told, and a link that arrives there all the same makes it work again."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.bounces import mark
from ckanext.kzopen.core.people.accounts.signing_up import MAILS_TO_ONE
from ckanext.kzopen.core.record.events import events

from tests.core.people.conftest import PASSWORD, Browser, Person
from tests.core.people.mailbox import mails_to

NEW = "төрт кездейсоқ сөз керек"
ASK = "/account/same-email/ask"
WORDS = {"/kk": "хаттар кері қайтты", "/ru": "Письма на", "/en": "came back on"}


@pytest.fixture
def dead(person: Person, browser: Browser) -> Person:
    """Somebody signed in, to whose address a mail came back."""
    browser.sign_in(person.name)
    mark(model.Session, person.email, "550 5.1.1 no <such> mailbox")
    model.Session.commit()
    return person


def is_dead(address: str) -> bool:
    model.Session.rollback()
    return mail.is_dead(model.Session, address)


def press(browser: Browser, page: str, action: str) -> BeautifulSoup:
    """Press the button of the warning on that page."""
    found = BeautifulSoup(browser.get(page).get_data(as_text=True), "html.parser")
    form = found.select_one(f"form[action$='{action}']")
    assert form, found.get_text()
    token = form.select_one("input[name=_csrf_token]")["value"]
    browser.open(form["action"], method="POST", data={"_csrf_token": token})
    return found


@pytest.mark.parametrize("language", ["/kk", "/ru", "/en"])
@pytest.mark.parametrize("page", ["/account", "/notices"])
def test_the_owner_reads_that_mails_came_back(browser: Browser, dead: Person, page: str, language: str) -> None:
    told = browser.get(language.replace("/kk", "") + page).get_data(as_text=True)
    assert WORDS[language] in told
    assert dead.email in told
    assert "550 5.1.1 no &lt;such&gt; mailbox" in told


@pytest.mark.parametrize("page", ["/account", "/notices"])
def test_the_button_mails_a_link_that_makes_the_address_work_again(browser: Browser, dead: Person, page: str) -> None:
    press(browser, page, ASK)
    sent = mails_to(dead.email)[-1]
    assert sent.template == "people.same_email"
    assert browser.get(sent.link).status_code == 200
    assert is_dead(dead.email), "not before the button behind the link is pressed"
    assert browser.post(sent.link, token=sent.link.split("token=")[1]).status_code == 302
    assert not is_dead(dead.email)
    assert not BeautifulSoup(browser.get(page).get_data(as_text=True), "html.parser").select(f"form[action$='{ASK}']")
    assert [row.verb for row in events(model.Session, kind="account", object_id=dead.id)][-1] == "confirm_email"


def test_another_persons_link_makes_nothing_work(
    browser: Browser, other_browser: Browser, dead: Person, new_person: object
) -> None:
    press(browser, "/account", ASK)
    link = mails_to(dead.email)[-1].link
    other_browser.sign_in(new_person().name)  # type: ignore[operator]
    assert other_browser.post(link, token=link.split("token=")[1]).status_code == 410
    assert is_dead(dead.email)


def test_the_same_address_typed_as_a_new_one_gets_the_link_too(browser: Browser, dead: Person) -> None:
    assert browser.post("/account/email", email=dead.email.upper(), password=PASSWORD).status_code == 302
    assert [sent.template for sent in mails_to(dead.email)] == ["people.same_email"]


def test_an_address_that_works_gets_no_link(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert browser.post("/account/email", email=person.email, password=PASSWORD).status_code == 422
    token = BeautifulSoup(browser.get("/account/email").get_data(as_text=True), "html.parser")
    sent = {"_csrf_token": token.select_one("input[name=_csrf_token]")["value"]}
    assert browser.open(ASK, method="POST", data=sent).headers["Location"].endswith("/account")
    assert mails_to(person.email) == []


def test_the_button_mails_no_more_often_than_other_confirmations(browser: Browser, dead: Person) -> None:
    for _ in range(MAILS_TO_ONE.times + 2):
        press(browser, "/account", ASK)
    assert len(mails_to(dead.email)) == MAILS_TO_ONE.times


def test_a_used_link_of_recovery_makes_the_address_work_again(browser: Browser, dead: Person) -> None:
    browser.post("/user/_logout")
    browser.post("/ru/account/recover", email=dead.email)
    link = mails_to(dead.email)[-1].link
    assert browser.post(link, token=link.split("token=")[1], new_password=NEW).status_code == 302
    assert not is_dead(dead.email)


def test_the_owner_reads_of_the_newest_mail_that_came_back(browser: Browser, dead: Person) -> None:
    mark(model.Session, dead.email, "550 5.1.1 still nobody")
    model.Session.commit()
    told = browser.get("/en/account").get_data(as_text=True)
    assert ("still nobody" in told, "such" in told) == (True, False)

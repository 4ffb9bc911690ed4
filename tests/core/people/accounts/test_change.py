"""Recovering and changing an account: by its owner, confirmed, told to the owner, and with an end to other sessions."""

from __future__ import annotations

import re

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckanext.kzopen.core.people.accounts import tokens
from ckanext.kzopen.core.record.events import events

from tests.core.people.conftest import PASSWORD, Browser, Person
from tests.core.people.mailbox import mails_to

NEW = "төрт кездейсоқ сөз керек"


def token_of(link: str) -> str:
    return link.split("token=")[1]


def api_token(person: Person) -> str:
    """A new token of CKAN's API."""
    return str(tk.get_action("api_token_create")({"ignore_auth": True}, {"user": person.name, "name": "t"})["token"])


def tokens_left(person: Person) -> int:
    model.Session.rollback()
    return len(model.Session.query(model.ApiToken).filter_by(user_id=person.id).all())


def test_a_forgotten_password_is_replaced_and_every_session_ends(
    browser: Browser, other_browser: Browser, person: Person
) -> None:
    other_browser.sign_in(person.name)
    browser.post("/ru/account/recover", email=person.email.upper())
    link = mails_to(person.email)[-1].link
    assert browser.post(link, token=token_of(link), new_password=NEW).status_code == 302
    assert not other_browser.is_signed_in
    assert browser.sign_in(person.name, PASSWORD).status_code == 401
    assert browser.sign_in(person.name, NEW).status_code == 302
    assert mails_to(person.email)[-1].template == "people.password_changed"
    assert browser.get(link).status_code == 410


def test_no_token_of_an_intruder_outlives_the_recovery(browser: Browser, person: Person) -> None:
    portals = api_token(person)
    tokens.mark_as_portals(model.Session, portals)
    model.Session.commit()
    api_token(person)
    browser.post("/account/recover", email=person.email)
    link = mails_to(person.email)[-1].link
    assert "your tokens for programs are revoked" in browser.get(f"/en{link.removeprefix('/kk')}").get_data(as_text=True)
    browser.post(link, token=token_of(link), new_password=NEW)
    assert tokens_left(person) == 1
    assert tokens.is_portals(model.Session, portals), "that of the portal's commands lies where no intruder reads it"
    assert "токендеріңіз кері қайтарып алынды (1)" in mails_to(person.email)[-1].text
    log = events(model.Session, kind="account", object_id=person.id, verb="revoke_tokens")
    assert [(event.actor, event.new) for event in log] == [(person.id, {"tokens": 1})]


def test_with_a_new_password_its_owner_chooses_what_becomes_of_the_tokens(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert 'name="revoke"' not in browser.get("/account/password").get_data(as_text=True)
    api_token(person)
    assert 'name="revoke" type="checkbox" value="1" checked' in browser.get("/account/password").get_data(as_text=True)
    browser.post("/account/password", password=PASSWORD, new_password=NEW)
    assert tokens_left(person) == 1
    assert "токен" not in mails_to(person.email)[-1].text
    browser.post("/account/password", password=NEW, new_password=PASSWORD, revoke="1")
    assert tokens_left(person) == 0


def test_the_answer_is_the_same_whether_or_not_there_is_an_account(browser: Browser, person: Person) -> None:
    known = browser.post("/account/recover", email=person.email)
    unknown = browser.post("/account/recover", email="nobody@example.org")
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])
    assert mails_to("nobody@example.org") == []


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(
    browser: Browser, other_browser: Browser, person: Person
) -> None:
    browser.sign_in(person.name)
    other_browser.sign_in(person.name)
    assert browser.post("/account/password", password="not it at all", new_password=NEW).status_code == 422
    assert other_browser.is_signed_in
    assert browser.post("/account/password", password=PASSWORD, new_password=NEW).status_code == 302
    assert browser.is_signed_in
    assert not other_browser.is_signed_in


def test_the_old_password_cannot_be_guessed_from_an_open_session(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    tries = [browser.post("/account/password", password="no", new_password=NEW).status_code for _ in range(11)]
    assert tries == [422] * 10 + [429]


def test_a_new_address_is_confirmed_and_the_old_one_is_told(browser: Browser, person: Person) -> None:
    new = f"new-{person.email}"
    browser.sign_in(person.name)
    assert browser.post("/account/email", email=new, password=PASSWORD).status_code == 302
    assert model.User.get(person.id).email == person.email, "not before the link is opened"
    link = mails_to(new)[-1].link
    assert browser.post(link, token=token_of(link)).status_code == 302
    model.Session.expire_all()
    assert model.User.get(person.id).email == new
    assert mails_to(person.email)[-1].template == "people.email_changed"
    log = [row for row in events(model.Session, kind="account", object_id=person.id) if row.verb == "change_email"]
    assert len(log) == 1
    assert new not in str(log[0].new) + str(log[0].old)


def test_an_address_that_is_taken_gets_no_link_and_the_answer_is_the_same(
    browser: Browser, person: Person, new_person: object
) -> None:
    other = new_person()  # type: ignore[operator]
    browser.sign_in(person.name)
    taken = browser.post("/account/email", email=other.email.upper(), password=PASSWORD)
    free = browser.post("/account/email", email=f"x-{person.email}", password=PASSWORD)
    assert (taken.status_code, taken.headers["Location"]) == (free.status_code, free.headers["Location"])
    assert mails_to(other.email) == []


def test_another_persons_link_changes_nothing(
    browser: Browser, other_browser: Browser, person: Person, new_person: object
) -> None:
    other = new_person()  # type: ignore[operator]
    browser.sign_in(person.name)
    browser.post("/account/email", email=f"new-{person.email}", password=PASSWORD)
    link = mails_to(f"new-{person.email}")[-1].link
    other_browser.sign_in(other.name)
    assert other_browser.post(link, token=token_of(link)).status_code == 410
    model.Session.expire_all()
    assert model.User.get(other.id).email == other.email


def test_a_new_password_ends_links_that_were_mailed(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    browser.post("/account/email", email=f"new-{person.email}", password=PASSWORD)
    link = mails_to(f"new-{person.email}")[-1].link
    browser.post("/account/password", password=PASSWORD, new_password=NEW)
    assert browser.get(link).status_code == 410


@pytest.mark.parametrize("page", ["data", "delete", "email", "password", "second-factor"])
def test_who_has_no_password_is_told_how_to_set_one(browser: Browser, person: Person, page: str) -> None:
    browser.sign_in(person.name)
    shown = browser.get(f"/ru/account/{page}").get_data(as_text=True)
    assert re.search(r'href="/ru/account/recover">Задать пароль по ссылке из письма<', shown)


def test_name_and_language_are_changed(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert browser.post("/account/profile", fullname="Жаңа Есім", language="en").status_code == 302
    assert "Жаңа Есім" in browser.get("/account").get_data(as_text=True)
    browser.post("/account/password", password=PASSWORD, new_password=NEW)
    assert mails_to(person.email)[-1].subject == "Your password has changed"


def test_sessions_are_listed_and_ended_one_by_one(browser: Browser, other_browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    firefox = {"HTTP_USER_AGENT": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"}
    page = other_browser.get("/user/login").get_data(as_text=True)
    token = page.split('name="_csrf_token" value="')[1].split('"')[0]
    told = {"login": person.name, "password": PASSWORD, "_csrf_token": token}
    other_browser.open("/user/login", method="POST", data=told, environ=firefox)
    page = browser.get("/account/sessions").get_data(as_text=True)
    assert "Firefox, Windows" in page
    assert other_browser.address not in page
    number = page.split('name="number" value="')[1].split('"')[0]
    token = page.split('name="_csrf_token" value="')[1].split('"')[0]
    browser.open("/account/sessions/end", method="POST", data={"number": number, "_csrf_token": token})
    assert not other_browser.is_signed_in
    assert browser.is_signed_in


def test_nobody_ends_another_persons_session(
    browser: Browser, other_browser: Browser, person: Person, new_person: object
) -> None:
    from ckanext.kzopen.core.people.sessions import store

    other_browser.sign_in(new_person().name)  # type: ignore[operator]
    browser.sign_in(person.name)
    assert store.end(person.id, [store.number_of(other_browser.cookie)]) == 0
    assert other_browser.is_signed_in


def test_pages_of_the_account_are_for_a_session_and_not_for_a_token(browser: Browser, person: Person) -> None:
    token = api_token(person)
    assert browser.get("/account/email", headers={"Authorization": token}).status_code == 403
    assert browser.get("/account/email").headers["Location"].split("?")[0].endswith("/user/login")

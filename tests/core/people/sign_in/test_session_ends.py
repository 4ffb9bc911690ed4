"""A session ends some time after signing in, however much it is used; sooner for who works for an agency."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people.assignments.change import assign, end
from ckanext.kzopen.core.people.sessions import ending, interface, store
from ckanext.kzopen.core.people.sessions.ending import DAY, HOUR, MEASURED

from tests.core.people.conftest import Browser, Person


class Clock:
    """What the portal's sessions take for now: `time.time` and some seconds more."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return time.time() + self.ahead

    def used(self, browser: Browser, seconds: int) -> list[bool]:
        """Whether the person is still signed in, each hour for so long."""
        found = []
        for _ in range(seconds // HOUR):
            self.ahead += HOUR
            found.append(browser.is_signed_in)
        return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    for module in (ending, interface, store):
        monkeypatch.setattr(module, "time", found)
    return found


@pytest.fixture
def author(person: Person) -> Person:
    give(person)
    return person


def give(person: Person) -> Any:
    """A role of the whole portal that asks for no second factor."""
    row = assign(model.Session, person.id, "methodologist", None, "system:test")
    model.Session.commit()
    return row


def test_the_session_of_staff_that_is_used_all_day_ends_after_twelve_hours(
    browser: Browser, author: Person, clock: Clock
) -> None:
    browser.sign_in(author.name, remember="1")
    assert clock.used(browser, 13 * HOUR) == [True] * 11 + [False] * 2


def test_a_citizens_kept_session_that_is_used_every_day_ends_after_thirty_days(
    browser: Browser, person: Person, clock: Clock
) -> None:
    browser.sign_in(person.name, remember="1")
    for _ in range(29):
        clock.ahead += DAY
        assert browser.is_signed_in
    clock.ahead += DAY + 1
    assert not browser.is_signed_in


def test_valkey_and_the_cookie_forget_it_by_then(browser: Browser, author: Person, clock: Clock) -> None:
    browser.sign_in(author.name, remember="1")
    clock.ahead = 11 * HOUR
    answer = browser.get("/account")
    left = connect_to_redis().ttl(f"kzopen:session:{store.sessions_of(author.id)[0].number}")
    cookie = next(value for name, value in answer.headers if name == "Set-Cookie" and value.startswith("ckan="))
    age = re.search(r"Max-Age=(\d+)", cookie)
    assert HOUR - 10 <= left <= HOUR
    assert age
    assert HOUR - 10 <= int(age[1]) <= HOUR


@pytest.mark.parametrize(("name", "value", "length"), [("session_hours", 2, 2 * HOUR), ("session_days", 1, 24 * HOUR)])
def test_the_settings_say_how_long(
    browser: Browser, person: Person, clock: Clock, name: str, value: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "session_hours":
        give(person)
    monkeypatch.setitem(tk.config, f"kzopen.{name}", value)
    browser.sign_in(person.name, remember="1")
    clock.ahead = length - 5
    assert browser.is_signed_in
    clock.ahead = length
    assert not browser.is_signed_in


def test_a_role_that_is_given_meanwhile_shortens_the_session(browser: Browser, person: Person, clock: Clock) -> None:
    browser.sign_in(person.name, remember="1")
    clock.ahead = 13 * HOUR
    assert browser.is_signed_in
    row = give(person)
    assert browser.is_signed_in, "it is measured every few minutes"
    clock.ahead += MEASURED + 1
    answer = browser.get("/ru/dataset/?q=%D0%B1")
    assert (answer.status_code, answer.headers["Location"].endswith("/ru/dataset/?q=%D0%B1")) == (302, True)
    assert browser.get("/ru/dataset/").status_code == 200, "what everybody reads is read on"
    assert not browser.is_signed_in
    end(model.Session, row, "system:test")
    model.Session.commit()


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "///evil.example"])
def test_a_session_that_is_over_leads_to_no_other_site(browser: Browser, author: Person, clock: Clock, path: str) -> None:
    browser.sign_in(author.name, remember="1")
    content = store.load(browser.cookie)
    assert content
    content[store.ABOUT] = {**content[store.ABOUT], "until": time.time() + 20 * HOUR, "measured": 0}
    store.save(browser.cookie, content, new=False)
    clock.ahead = 13 * HOUR
    answer = browser.open("/", environ={"PATH_INFO": path})
    assert answer.status_code == 302
    there = urlsplit(answer.headers["Location"])
    assert (there.netloc, there.path.rstrip("/")) == (urlsplit(tk.config["ckan.site_url"]).netloc, "/evil.example")


def test_nothing_is_written_by_a_session_that_is_over(browser: Browser, person: Person, clock: Clock) -> None:
    browser.sign_in(person.name, remember="1")
    page = browser.get("/account/profile").get_data(as_text=True)
    token = page.split('name="_csrf_token" value="')[1].split('"')[0]
    give(person)
    clock.ahead = 13 * HOUR
    told = {"_csrf_token": token, "fullname": "Changed By Nobody", "language": "en"}
    assert browser.open("/account/profile", method="POST", data=told).status_code == 401
    model.Session.expire_all()
    assert model.User.get(person.id).fullname != "Changed By Nobody"


def test_a_session_from_before_there_was_an_end_gets_one(browser: Browser, author: Person, clock: Clock) -> None:
    browser.sign_in(author.name, remember="1")
    content = store.load(browser.cookie)
    assert content
    for name in ("until", "measured"):
        del content[store.ABOUT][name]
    store.save(browser.cookie, content, new=False)
    assert browser.is_signed_in
    clock.ahead = 12 * HOUR
    assert not browser.is_signed_in


def test_the_page_of_sessions_tells_the_end(app: CKANTestApp, new_person: Callable[..., Person]) -> None:
    person = new_person()
    browser = Browser(app)
    browser.sign_in(person.name)
    found = store.sessions_of(person.id)[0]
    assert found.until is not None
    assert (found.until - found.since).total_seconds() == 30 * DAY
    assert "Заканчивается не позже" in browser.get("/ru/account/sessions").get_data(as_text=True)

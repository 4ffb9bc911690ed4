"""CKAN's own pages and API are no way around the rules of accounts."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.lib import mailer
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.record.events import events

from tests.core.people.conftest import PASSWORD, Browser, Person
from tests.core.people.mailbox import mails_to

API = "/api/3/action"


def token_of(person: Person) -> str:
    made = tk.get_action("api_token_create")({"ignore_auth": True}, {"user": person.name, "name": "t"})
    return str(made["token"])


def call(app: CKANTestApp, action: str, token: str = "", **told: Any) -> Any:
    headers = {"Authorization": token} if token else {}
    client = app.test_client(use_cookies=False)
    return client.open(f"{API}/{action}", method="POST", json=told, headers=headers, base_url="http://localhost/")


def state(person: Person) -> tuple[Any, ...]:
    model.Session.rollback()
    model.Session.expire_all()
    user = model.User.get(person.id)
    return user.email, user.password, user.state, user.sysadmin, user.reset_key


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("page", "ours"), [("/user/register", "/account/sign-up"), ("/user/reset", "/account/recover"), ("/user/edit", "/account")]
)
def test_ckans_pages_lead_to_ours(browser: Browser, person: Person, page: str, ours: str, method: str) -> None:
    if page == "/user/edit":
        browser.sign_in(person.name)
    token = browser.get("/about") and ""
    answer = browser.open(page, method=method, data={"email": "x@example.org", "_csrf_token": token})
    assert (method == "POST" and answer.status_code == 400) or answer.headers["Location"].split("?")[0].endswith(ours)


def test_ckans_form_of_registration_makes_no_account(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", False)
    name = f"person-{uuid4().hex[:8]}"
    told = {"name": name, "email": f"{name}@example.org", "password1": PASSWORD, "password2": PASSWORD, "save": ""}
    answer = Browser(app).open("/user/register", method="POST", data=told)
    assert answer.headers["Location"].endswith("/account/sign-up")
    assert model.User.get(name) is None


def test_ckans_reset_link_sets_no_password(app: CKANTestApp, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", False)
    mailer.create_reset_key(model.User.get(person.id))
    before = state(person)
    told = {"password1": "another-password", "password2": "another-password"}
    Browser(app).open(f"/user/reset/{person.id}?key={before[4]}", method="POST", data=told)
    assert state(person) == before


def test_ckans_reset_key_sets_no_password_by_the_api(app: CKANTestApp, person: Person) -> None:
    mailer.create_reset_key(model.User.get(person.id))
    before = state(person)
    told = {"id": person.id, "email": person.email, "password": "another-password", "reset_key": before[4]}
    assert call(app, "user_update", **told).status_code == 403
    assert call(app, "user_patch", **told).status_code == 403
    assert state(person) == before


@pytest.mark.parametrize("action", ["user_update", "user_patch"])
@pytest.mark.parametrize("change", [{"email": "thief@example.org"}, {"password": "another-password"}])
def test_a_stolen_token_does_not_take_the_account_over(
    app: CKANTestApp, person: Person, action: str, change: dict[str, str]
) -> None:
    before = state(person)
    told = {"id": person.id, "email": person.email, **change}
    assert call(app, action, token_of(person), **told).status_code == 403
    assert state(person) == before


def test_other_things_are_still_changed_by_the_api(app: CKANTestApp, person: Person) -> None:
    assert call(app, "user_patch", token_of(person), id=person.id, about="Статист").status_code == 200
    assert model.User.get(person.id).about == "Статист"


def test_ckans_form_does_not_change_an_address_unconfirmed(
    app: CKANTestApp, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", False)
    browser = Browser(app)
    browser.sign_in(person.name)
    before = state(person)
    told = {"save": "", "email": "thief@example.org", "old_password": PASSWORD, "fullname": "x"}
    for path in ("/user/edit", f"/user/edit/{person.name}", f"/user/edit/{person.id}"):
        browser.open(path, method="POST", data=told)
    assert state(person) == before


@pytest.mark.parametrize("action", ["user_create", "user_patch"])
def test_the_api_keeps_the_rules_of_passwords(app: CKANTestApp, new_person: Any, person: Person, action: str) -> None:
    operator = token_of(new_person(sysadmin=True))
    name = f"person-{uuid4().hex[:8]}"
    told = {"name": name, "email": f"{name}@example.org"} if action == "user_create" else {"id": person.id}
    assert call(app, action, operator, **told, password="12345678").status_code == 409
    assert call(app, action, operator, **told, password="password1234").status_code == 409


def test_what_an_operator_sets_is_logged_and_ends_sessions_and_tokens(
    app: CKANTestApp, browser: Browser, new_person: Any
) -> None:
    operator, person = new_person(sysadmin=True), new_person()
    browser.sign_in(person.name)
    token = token_of(person)
    assert call(app, "user_patch", token_of(operator), id=person.id, password="another-password").status_code == 200
    assert not browser.is_signed_in
    log = events(model.Session, kind="account", object_id=person.id, verb="set_by_operator")
    assert [event.actor for event in log] == [operator.id]
    assert call(app, "user_patch", token, id=person.id, about="Бөтен").status_code == 403
    told = mails_to(person.email)[-1]
    assert (told.template, "токендеріңіз кері қайтарып алынды (1)" in told.text) == ("people.password_changed", True)


def test_an_address_that_takes_no_mail_keeps_no_session_open(app: CKANTestApp, browser: Browser, new_person: Any) -> None:
    operator, person = new_person(sysadmin=True), new_person()
    model.User.get(person.id).email = f"{person.name}@localhost"
    model.Session.commit()
    browser.sign_in(person.name)
    token = token_of(person)
    assert call(app, "user_patch", token_of(operator), id=person.id, password="another-password").status_code == 200
    assert not browser.is_signed_in
    assert call(app, "user_patch", token, id=person.id, about="Бөтен").status_code == 403
    log = events(model.Session, kind="account", object_id=person.id, verb="set_by_operator")
    assert [event.actor for event in log] == [operator.id]


def test_ckans_form_for_operators_is_throttled_like_signing_in(
    app: CKANTestApp, new_person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", False)
    operator, person = new_person(sysadmin=True), new_person()
    browser = Browser(app)
    browser.sign_in(operator.name)
    told = {"save": "", "email": "x@example.org", "old_password": "guess", "fullname": "x"}
    answers = [browser.open(f"/user/edit/{person.name}", method="POST", data=told).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert state(person)[0] == person.email

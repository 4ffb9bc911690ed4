"""Signing up by a confirmed e-mail: nobody learns who has an account, and a link works once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people.accounts import jobs, links, signing_up
from ckanext.kzopen.core.people.accounts.model import Account, Link
from ckanext.kzopen.core.people.throttle import Limit
from ckanext.kzopen.core.record.events import events
from sqlalchemy import func, select, text, update

from tests.core.people.conftest import Browser, Person
from tests.core.people.mailbox import mails_to

NEW = "түсініксіз ат қойма"


def new_address() -> str:
    return f"somebody-{uuid4().hex[:10]}@example.org"


def ask(browser: Browser, email: str, language: str = "kk", name: str = "Дана Сынақ") -> Any:
    return browser.post("/account/sign-up", fullname=name, email=email, language=language)


def confirmed(browser: Browser, email: str) -> Any:
    ask(browser, email)
    link = mails_to(email)[-1].link
    return browser.post(link, token=link.split("token=")[1], new_password=NEW)


def test_a_citizen_signs_up_and_is_signed_in(browser: Browser) -> None:
    email = new_address()
    assert confirmed(browser, email).status_code == 302
    assert browser.is_signed_in
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    assert user.fullname == "Дана Сынақ"
    assert not user.sysadmin
    assert email.split("@")[0] not in user.name
    account = model.Session.get(Account, user.id)
    assert account
    assert account.language == "kk"
    assert account.email_confirmed
    assert [row.verb for row in events(model.Session, kind="account", object_id=user.id)] == ["create", "sign_in"]


@pytest.mark.parametrize(("language", "subject"), [("kk", "растаңыз"), ("ru", "Подтвердите"), ("en", "Confirm")])
def test_the_mail_is_in_the_language_that_was_chosen(browser: Browser, language: str, subject: str) -> None:
    email = new_address()
    ask(browser, email, language)
    mail = mails_to(email)[-1]
    assert subject in mail.subject
    assert mail.link.startswith(f"/{language}/account/confirm?token=") or language == "kk"


def test_the_answer_is_the_same_whether_or_not_the_address_is_taken(browser: Browser, person: Person) -> None:
    free, taken = ask(browser, new_address()), ask(browser, person.email.upper())
    assert (free.status_code, free.headers["Location"]) == (taken.status_code, taken.headers["Location"])
    assert free.get_data() == taken.get_data()
    assert [mail.template for mail in mails_to(person.email)] == ["people.already"]


def test_no_account_is_made_before_the_link_is_used(browser: Browser) -> None:
    email = new_address()
    ask(browser, email)
    link = mails_to(email)[-1].link
    assert browser.get(link).status_code == 200
    assert browser.get(link).status_code == 200, "programs that look into links use nothing up"
    assert model.Session.scalar(select(func.count()).where(model.User.email == email)) == 0


def test_a_link_works_once(browser: Browser, other_browser: Browser) -> None:
    email = new_address()
    confirmed(browser, email)
    link = mails_to(email)[-1].link
    assert other_browser.get(link).status_code == 410


def test_of_two_requests_with_one_link_at_once_one_makes_the_account(app: CKANTestApp) -> None:
    email = new_address()
    ask(Browser(app), email)
    token = mails_to(email)[-1].link.split("token=")[1]

    def make(_: int) -> bool:
        with app.flask_app.test_request_context():
            try:
                signing_up.create(model.Session, token, NEW, "198.18.0.1")
                model.Session.commit()
                return True
            except Exception:  # noqa: BLE001 - refused, in whatever way
                model.Session.rollback()
                return False
            finally:
                model.Session.remove()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(make, range(3))) == [False, False, True]


def test_a_link_expires_and_is_swept(browser: Browser) -> None:
    email = new_address()
    ask(browser, email)
    link = mails_to(email)[-1].link
    model.Session.execute(update(Link).where(Link.email == email).values(expires=text("now() - interval '1 second'")))
    model.Session.commit()
    assert browser.get(link).status_code == 410
    jobs.sweep_links()
    assert model.Session.scalar(select(func.count()).where(Link.email == email)) == 0


def test_a_second_link_ends_the_first(browser: Browser) -> None:
    email = new_address()
    ask(browser, email)
    ask(browser, email)
    first, second = (mail.link for mail in mails_to(email))
    assert [browser.get(first).status_code, browser.get(second).status_code] == [410, 200]


def test_a_link_for_one_purpose_does_not_serve_another(browser: Browser) -> None:
    email = new_address()
    ask(browser, email)
    token = mails_to(email)[-1].link.split("token=")[1]
    assert browser.get(f"/account/new-password?token={token}").status_code == 410


def test_the_database_holds_no_token_that_works(browser: Browser) -> None:
    email = new_address()
    ask(browser, email)
    token = mails_to(email)[-1].link.split("token=")[1]
    row = model.Session.scalars(select(Link).where(Link.email == email)).one()
    assert token not in "".join(str(value) for value in vars(row).values())


def test_a_stranger_cannot_fill_a_mailbox(browser: Browser) -> None:
    email = new_address()
    answers = {ask(browser, email).status_code for _ in range(5)}
    assert len(mails_to(email)) == 3
    assert answers == {302}, "and is not told"


def test_one_address_cannot_mail_the_whole_world(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_up, "MAILS_BY_ONE", Limit(f"test-{uuid4().hex}", 2, 60))
    assert [ask(browser, new_address()).status_code for _ in range(3)] == [302, 302, 429]


def test_a_mail_carries_no_words_of_whoever_asked(browser: Browser) -> None:
    email = new_address()
    ask(browser, email, name="Cheap pills here")
    assert "pills" not in mails_to(email)[-1].text


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"fullname": "x"}, "field-fullname-error"),
        ({"fullname": "see http://evil.example"}, "field-fullname-error"),
        ({"email": "no address"}, "field-email-error"),
        ({"language": "xx"}, "field-error"),
    ],
)
def test_what_is_wrong_is_told_by_the_field_and_nothing_typed_is_lost(
    browser: Browser, values: dict[str, str], told: str
) -> None:
    given = {"fullname": "Дана Сынақ", "email": new_address(), "language": "ru"} | values
    answer = browser.post("/ru/account/sign-up", **given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in page
    assert given["email"] in page
    assert given["fullname"] in page


@pytest.mark.parametrize(
    "password", ["short", "111111111111", "abcdefghijklmnop", "password1234", "qwertyqwerty1", "somebody12345!"]
)
def test_a_password_that_is_guessed_first_is_refused(browser: Browser, password: str) -> None:
    email = f"somebody@{uuid4().hex[:8]}.example.org"
    ask(browser, email)
    link = mails_to(email)[-1].link
    answer = browser.post(link, token=link.split("token=")[1], new_password=password)
    assert answer.status_code == 422
    assert password not in answer.get_data(as_text=True).replace(email, "")
    assert links.look(model.Session, "sign_up", link.split("token=")[1]), "the link still works"


@pytest.mark.parametrize("path", ["/account/sign-up", "/account/recover", "/account/confirm"])
def test_forms_without_their_token_are_refused(browser: Browser, path: str) -> None:
    assert browser.open(path, method="POST", data={"email": new_address()}).status_code == 400

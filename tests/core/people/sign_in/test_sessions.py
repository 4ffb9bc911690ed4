"""A session is on the server: what is ended there is ended everywhere, and no cookie of another kind signs anybody in."""

from __future__ import annotations

import re

import pytest
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.people.sessions.device import device, shortened
from ckanext.kzopen.core.record.events import events
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import encode_cookie

from tests.core.people.conftest import Browser, Person


def test_a_copy_of_the_cookie_is_worthless_after_signing_out(browser: Browser, other_browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    stolen = browser.cookie
    other_browser.take(stolen)
    assert other_browser.is_signed_in
    assert browser.post("/user/_logout").status_code == 302
    assert not browser.is_signed_in
    assert not other_browser.is_signed_in
    assert browser.cookie != stolen


def test_a_cookie_from_before_signing_in_is_worthless(browser: Browser, other_browser: Browser, person: Person) -> None:
    browser.get("/user/login")
    planted = browser.cookie
    browser.sign_in(person.name)
    other_browser.take(planted)
    assert browser.is_signed_in
    assert not other_browser.is_signed_in


def test_a_secret_that_somebody_made_up_is_not_taken_over(browser: Browser, person: Person) -> None:
    planted = "A" * 43
    browser.take(planted)
    browser.sign_in(person.name)
    assert browser.is_signed_in
    assert browser.cookie != planted


def test_a_signed_cookie_of_ckans_own_signs_nobody_in(app: CKANTestApp, browser: Browser, person: Person) -> None:
    signer = SecureCookieSessionInterface().get_signing_serializer(app.flask_app)
    assert signer
    browser.take(signer.dumps(dict(SecureCookieSession({"_user_id": person.id, "_fresh": True}))))
    assert not browser.is_signed_in
    assert not browser.is_signed_in, "nor does it become a session of ours on its way"


def test_a_remembered_cookie_signs_nobody_in(app: CKANTestApp, browser: Browser, person: Person) -> None:
    with app.flask_app.test_request_context():
        remembered = encode_cookie(person.id)
    browser.client.set_cookie("remember_token", remembered, domain="localhost")
    assert not browser.is_signed_in
    assert not browser.is_signed_in


def test_an_ended_session_with_a_wrong_api_token_stays_ended(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    store.end_all(person.id)
    answer = browser.get("/dashboard/datasets", headers={"Authorization": "no-token"})
    assert answer.status_code != 200


def test_a_session_that_was_ended_while_its_request_ran_stays_ended(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    secret = browser.cookie
    content = store.load(secret)
    assert content
    store.end_all(person.id)
    store.save(secret, content, new=False)
    assert store.load(secret) is None


def test_readers_leave_nothing_on_the_server(browser: Browser) -> None:
    before = set(connect_to_redis().keys("kzopen:session*"))
    assert browser.get("/user/login").status_code == 200
    assert browser.cookie
    assert set(connect_to_redis().keys("kzopen:session*")) == before


def test_valkey_does_not_hold_what_opens_a_session(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    redis = connect_to_redis()
    held = b" ".join([*redis.keys("*"), *(redis.get(key) or b"" for key in redis.keys("kzopen:session:*"))]).decode()
    assert browser.cookie
    assert browser.cookie not in held
    assert browser.address not in held


@pytest.mark.parametrize(("kept", "seconds"), [("", store.IDLE), ("1", store.KEPT)])
def test_a_session_ends_by_itself(browser: Browser, person: Person, kept: str, seconds: int) -> None:
    answer = browser.sign_in(person.name, **({"remember": kept} if kept else {}))
    cookie = next(value for name, value in answer.headers if name == "Set-Cookie" and value.startswith("ckan="))
    number = store.sessions_of(person.id)[0].number
    left = connect_to_redis().ttl(f"kzopen:session:{number}")
    assert seconds - 5 <= left <= seconds
    assert ("Max-Age" in cookie) is bool(kept)


def test_signing_in_and_out_is_in_the_event_log_without_the_name(browser: Browser, person: Person) -> None:
    browser.sign_in(person.email)
    browser.post("/user/_logout")
    found = [row for row in events(model.Session, kind="account", object_id=person.id) if row.verb.startswith("sign_")]
    assert [(row.verb, row.actor, str(row.address)) for row in found] == [
        ("sign_in", person.id, browser.address),
        ("sign_out", person.id, browser.address),
    ]


@pytest.mark.parametrize(
    ("came_from", "goes_to"),
    [
        ("/dataset/?q=1", "/dataset/?q=1"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("/\\evil.example/", None),
        ("/\t/evil.example/", None),
        ("javascript:alert(1)", None),
    ],
)
def test_whoever_signs_in_stays_on_the_portal(browser: Browser, person: Person, came_from: str, goes_to: str | None) -> None:
    location = browser.sign_in(person.name, came_from=came_from).headers["Location"]
    assert "evil" not in location
    if goes_to:
        assert location.endswith(goes_to)


def test_signing_out_asks_first(browser: Browser, person: Person) -> None:
    """A picture in another site's page that points here does not sign anybody out."""
    browser.sign_in(person.name)
    assert browser.get("/user/_logout").status_code == 200
    assert browser.is_signed_in


def test_people_sign_in_by_e_mail_whatever_its_case(browser: Browser, person: Person) -> None:
    assert browser.sign_in(f" {person.email.upper()} ").status_code == 302
    assert browser.is_signed_in


def test_a_page_of_signing_in_is_not_kept_by_anybody(browser: Browser, person: Person) -> None:
    browser.sign_in(person.name)
    assert "no-store" in browser.get("/dashboard/datasets").headers["Cache-Control"]


def test_devices_are_told_in_words() -> None:
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0"
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"
    assert [device(text) for text in (firefox, edge, phone, "curl/8")] == [
        "Firefox, Windows",
        "Edge, Windows",
        "Safari, iPhone",
        "",
    ]


def test_addresses_are_told_without_their_last_part() -> None:
    assert shortened("203.0.113.77") == "203.0.113.…"
    assert re.fullmatch(r"2001:db8:1:…", shortened("2001:db8:1:2:3::4"))
    assert shortened("nonsense") == ""

"""Signing in by OpenID Connect, tried against a provider that answers over HTTP on this machine, and lies where told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from ckan import model
from ckanext.kzopen.core.notices import feeds
from ckanext.kzopen.core.people import levels
from ckanext.kzopen.core.people.accounts.signing_up import remember_confirmed
from ckanext.kzopen.core.people.levels import Level
from ckanext.kzopen.core.people.second_factor.model import SecondFactor
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.people.sign_in import linking, providers
from ckanext.kzopen.core.people.sign_in.providers.oidc import Oidc
from ckanext.kzopen.core.people.sign_in.session import FRESH
from ckanext.kzopen.core.record.events import events
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select

from tests.core.people.conftest import PASSWORD, Browser, Person
from tests.core.people.levels.test_levels import new_iin
from tests.core.people.mailbox import mails_to
from tests.core.people.sign_in.openid import CLIENT, SECRET, OpenId, serve

LABEL = {"kk": "Сынақ кіруі", "ru": "Тестовый вход", "en": "Test sign-in"}


@pytest.fixture
def openid(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenId]:
    found = OpenId(claims={"sub": uuid4().hex, "name": "Дана Сынақ"})
    server = serve(found)
    monkeypatch.setattr(providers, "_providers", dict(providers._providers))
    here = (ip_network("127.0.0.0/8"),)
    providers.register(Oidc("test", LABEL, found.issuer, CLIENT, SECRET, iin_claim="iin", internal=here))  # type: ignore[arg-type]
    yield found
    server.shutdown()


def new_address() -> str:
    return f"somebody-{uuid4().hex[:10]}@example.org"


def start(browser: Browser, came_from: str = "") -> str:
    """Off to the provider and, with its consent, the path to which it sends the browser back."""
    answer = browser.get(f"/account/with/test?came_from={came_from}")
    assert answer.status_code == 302, answer.get_data(as_text=True)
    address = urlsplit(httpx.get(answer.headers["Location"]).headers["Location"])
    return f"{address.path}?{address.query}"


def come_back(browser: Browser, came_from: str = "") -> Any:
    return browser.get(start(browser, came_from))


def joined(browser: Browser, email: str) -> Any:
    """Come from the provider, give an address, open the link that was mailed, and agree."""
    assert come_back(browser).headers["Location"].endswith("/account/join")
    browser.post("/account/join", fullname="Дана Сынақ", email=email, language="kk")
    link = mails_to(email)[-1].link
    return browser.post(link, token=link.split("token=")[1])


def test_a_new_person_gets_an_account_by_a_confirmed_address_and_consent(browser: Browser, openid: OpenId) -> None:
    email = new_address()
    assert joined(browser, email).status_code == 302
    assert browser.is_signed_in
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    assert levels.level_of(user.id) is Level.email_confirmed
    assert [row.verb for row in events(model.Session, kind="account", object_id=user.id)] == [
        "create",
        "connect_provider",
        "sign_in",
    ]


def test_the_next_time_the_provider_opens_the_account(browser: Browser, other_browser: Browser, openid: OpenId) -> None:
    joined(browser, new_address())
    answer = come_back(other_browser, "/dataset/")
    assert answer.headers["Location"].endswith("/dataset/")
    assert other_browser.is_signed_in


def test_an_e_mail_that_is_the_same_opens_no_account(browser: Browser, person: Person, openid: OpenId) -> None:
    openid.claims |= {"email": person.email, "email_verified": True}
    assert come_back(browser).headers["Location"].endswith("/account/join")
    assert not browser.is_signed_in


def test_an_account_that_exists_is_joined_by_the_link_in_its_mail(browser: Browser, person: Person, openid: OpenId) -> None:
    joined(browser, person.email)
    assert browser.is_signed_in
    assert [one.user_id for one in linking.connections(model.Session, person.id)] == [person.id]


def test_a_strangers_identity_is_not_joined_by_the_owners_click(
    browser: Browser, other_browser: Browser, person: Person, openid: OpenId
) -> None:
    """The stranger comes from the provider and gives another person's address; that person opens the link."""
    come_back(browser)
    browser.post("/account/join", fullname="Дана Сынақ", email=person.email, language="kk")
    link = mails_to(person.email)[-1].link
    assert other_browser.get(link).status_code == 410
    other_browser.sign_in(person.name)
    assert other_browser.get(link).status_code == 410
    assert linking.connections(model.Session, person.id) == []


def test_who_is_signed_in_connects_with_consent_and_disconnects(
    browser: Browser, other_browser: Browser, openid: OpenId
) -> None:
    email = new_address()
    joined(browser, email)
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    assert "/account/disconnect?provider=test" in browser.get("/account").get_data(as_text=True)
    assert browser.post("/account/disconnect?provider=test").status_code == 302, "who has just signed in is not asked"
    assert linking.connections(model.Session, user.id) == []
    assert come_back(browser).headers["Location"].endswith("/account/connect")
    assert linking.connections(model.Session, user.id) == [], "not before consent"
    assert browser.post("/account/connect").status_code == 302
    model.Session.expire_all()
    assert len(linking.connections(model.Session, user.id)) == 1
    told = mails_to(email)[-1]
    assert (told.template, LABEL["kk"] in told.text) == ("people.provider_connected", True)


def long_ago(browser: Browser) -> None:
    """The person has signed in some time ago, and left the session open."""
    content = store.load(browser.cookie)
    assert content
    content[store.ABOUT]["since"] -= FRESH + 1
    store.save(browser.cookie, content, new=False)


def test_a_session_left_open_connects_nothing_without_the_password(browser: Browser, person: Person, openid: OpenId) -> None:
    remember_confirmed(model.Session, person.id, "kk")
    model.Session.commit()
    browser.sign_in(person.name)
    long_ago(browser)
    come_back(browser)
    for given in ({}, {"password": "not it"}):
        assert browser.post("/account/connect", **given).status_code == 422
    assert linking.connections(model.Session, person.id) == []
    assert browser.post("/account/connect", password=PASSWORD).status_code == 302
    model.Session.rollback()
    assert len(linking.connections(model.Session, person.id)) == 1


def test_a_session_left_open_disconnects_nothing_without_the_password(
    browser: Browser, person: Person, openid: OpenId
) -> None:
    model.Session.add(linking.LinkedIdentity(provider="test", subject=uuid4().hex, user_id=person.id))
    model.Session.commit()
    browser.sign_in(person.name)
    long_ago(browser)
    page = browser.get("/ru/account/disconnect?provider=test").get_data(as_text=True)
    assert 'name="password"' in page
    for given in ({}, {"password": "not it"}):
        assert browser.post("/account/disconnect?provider=test", **given).status_code == 422
    assert len(linking.connections(model.Session, person.id)) == 1
    assert browser.post("/account/disconnect?provider=test", password=PASSWORD).status_code == 302
    model.Session.rollback()
    assert linking.connections(model.Session, person.id) == []
    assert browser.get("/account/disconnect?provider=test").status_code == 404, "it is not connected any more"


def test_no_connection_and_no_secret_address_of_an_intruder_outlives_the_recovery(
    browser: Browser, other_browser: Browser, openid: OpenId
) -> None:
    email = new_address()
    joined(browser, email)
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one().id
    feed = feeds.secret(model.Session, user)
    other_browser.post("/account/recover", email=email)
    link = mails_to(email)[-1].link
    other_browser.post(link, token=link.split("token=")[1], new_password="төрт кездейсоқ сөз керек")
    told = mails_to(email)[-1]
    assert (told.template, f"жойылды: {LABEL['kk']}." in told.text) == ("people.password_changed", True)
    assert "арнаңыздың мекенжайы жаңарды" in told.text
    assert come_back(browser).headers["Location"].endswith("/account/join"), "the identity opens nothing any more"
    assert feeds.secret(model.Session, user) != feed
    log = events(model.Session, kind="account", object_id=user, verb="disconnect_provider")
    assert [(event.actor, event.new) for event in log] == [(user, {"provider": "test"})]


def test_an_identity_opens_one_account(browser: Browser, other_browser: Browser, person: Person, openid: OpenId) -> None:
    joined(browser, new_address())
    other_browser.sign_in(person.name)
    come_back(other_browser)
    assert other_browser.post("/account/connect").status_code == 403, "its address is not confirmed"
    remember_confirmed(model.Session, person.id, "kk")
    model.Session.commit()
    come_back(other_browser)
    assert other_browser.post("/account/connect").status_code == 409


def test_an_iin_that_the_provider_has_confirmed_is_a_level(browser: Browser, openid: OpenId) -> None:
    iin = new_iin()
    openid.claims["iin"] = iin
    email = new_address()
    joined(browser, email)
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    held = levels.held(model.Session, user.id)[0]
    assert (held.level, held.confirmed_by, held.number_end) == (Level.iin_confirmed, "provider:test", iin[-4:])


LIES: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "audience": {"aud": "another portal"},
    "authorized party": {"aud": [CLIENT, "another"], "azp": "another"},
    "issuer": {"iss": "https://evil.example"},
    "expired": {"exp": int(time.time()) - 3600},
    "from the future": {"iat": int(time.time()) + 3600},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_for_us_now_is_refused(browser: Browser, openid: OpenId, lie: str) -> None:
    openid.lies = LIES[lie]
    assert come_back(browser).status_code == 502
    assert browser.get("/account/join").status_code == 410


def test_a_token_of_another_key_is_refused(browser: Browser, openid: OpenId) -> None:
    openid.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert come_back(browser).status_code == 502


def test_a_token_signed_with_a_shared_secret_is_refused(browser: Browser, openid: OpenId) -> None:
    openid.key, openid.header = OctKey.import_key(SECRET * 2), {"alg": "HS256"}  # type: ignore[assignment]
    assert come_back(browser).status_code == 502


def test_a_provider_that_calls_itself_another_is_refused(browser: Browser, openid: OpenId) -> None:
    openid.told_issuer = "https://evil.example"
    assert browser.get("/account/with/test").status_code == 502


def test_an_answer_with_another_state_is_refused(browser: Browser, openid: OpenId) -> None:
    path = start(browser).replace("state=", "state=x")
    assert browser.get(path).status_code == 502


def test_an_answer_that_nobody_asked_for_is_refused(browser: Browser, other_browser: Browser, openid: OpenId) -> None:
    """Else another site signs a visitor in under its own account."""
    path = start(browser)
    assert other_browser.get(path).status_code == 410
    assert not other_browser.is_signed_in


def test_an_answer_works_once(browser: Browser, openid: OpenId) -> None:
    path = start(browser)
    assert browser.get(path).status_code == 302
    assert browser.get(path).status_code == 410


def test_a_code_that_was_caught_is_worthless_without_the_verifier(
    browser: Browser, other_browser: Browser, openid: OpenId
) -> None:
    caught = parse_qs(urlsplit(start(browser)).query)["code"][0]
    own = start(other_browser)
    own_code = parse_qs(urlsplit(own).query)["code"][0]
    assert other_browser.get(own.replace(own_code, caught)).status_code == 403
    assert openid.refused == ["verifier"]


def test_who_refuses_at_the_provider_is_told(browser: Browser, openid: OpenId) -> None:
    state = parse_qs(urlsplit(start(browser)).query)["state"][0]
    answer = browser.get(f"/ru/account/with/test/back?state={state}&error=access_denied", headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "Тестовый вход не подтвердил вход" in answer.get_data(as_text=True)


def test_a_provider_inside_is_not_called_unless_the_operator_names_its_network(browser: Browser, openid: OpenId) -> None:
    providers.register(Oidc("test", LABEL, openid.issuer, CLIENT, SECRET))  # type: ignore[arg-type]
    answer = browser.get("/account/with/test", headers={"Accept": "application/json"})
    assert answer.json["code"] == "client.refused_address"


def test_the_second_factor_is_asked_for_after_the_provider(browser: Browser, other_browser: Browser, openid: OpenId) -> None:
    email = new_address()
    joined(browser, email)
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    model.Session.add(SecondFactor(user_id=user.id, secret="x", last_step=0))
    model.Session.commit()
    assert come_back(other_browser).headers["Location"].endswith("/account/sign-in/code")
    assert not other_browser.is_signed_in


def test_the_level_is_kept_where_a_second_step_follows(browser: Browser, other_browser: Browser, openid: OpenId) -> None:
    email = new_address()
    joined(browser, email)
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    model.Session.add(SecondFactor(user_id=user.id, secret="x", last_step=0))
    model.Session.commit()
    openid.claims["iin"] = new_iin()
    assert come_back(other_browser).headers["Location"].endswith("/account/sign-in/code")
    model.Session.rollback()
    assert levels.level_of(user.id) is Level.iin_confirmed


@pytest.mark.parametrize("second_step", [False, True])
def test_an_iin_that_does_not_count_keeps_nobody_out(
    browser: Browser, other_browser: Browser, person: Person, openid: OpenId, second_step: bool
) -> None:
    email = new_address()
    joined(browser, email)
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    openid.claims["iin"] = new_iin()
    levels.confirm(model.Session, person.id, Level.iin_confirmed, "provider:another", number=openid.claims["iin"])
    if second_step:
        model.Session.add(SecondFactor(user_id=user.id, secret="x", last_step=0))
    model.Session.commit()
    answer = come_back(other_browser, "/ru/account")
    assert answer.status_code == 302
    page = other_browser.get("/ru/account/sign-in/code" if second_step else "/ru/account").get_data(as_text=True)
    assert "This IIN is confirmed for another account" in page or "Бұл ЖСН басқа тіркелгіде расталған" in page
    assert levels.level_of(user.id) is Level.email_confirmed


def test_an_iin_that_does_not_count_keeps_nobody_from_joining(browser: Browser, openid: OpenId) -> None:
    openid.claims["iin"] = "not an IIN"
    joined(browser, email := new_address())
    page = browser.get("/account").get_data(as_text=True)
    assert "This is no IIN" in page or "Бұл ЖСН емес" in page
    assert browser.is_signed_in
    user = model.Session.scalars(select(model.User).where(model.User.email == email)).one()
    assert len(linking.connections(model.Session, user.id)) == 1


def test_a_closed_account_is_not_opened(browser: Browser, other_browser: Browser, openid: OpenId) -> None:
    email = new_address()
    joined(browser, email)
    model.Session.scalars(select(model.User).where(model.User.email == email)).one().state = "deleted"
    model.Session.commit()
    assert come_back(other_browser).headers["Location"].endswith("/account/join")


def test_the_button_is_on_the_page_of_signing_in(browser: Browser, openid: OpenId) -> None:
    page = browser.get("/ru/user/login").get_data(as_text=True)
    assert "Войти через Тестовый вход" in page


def test_the_password_is_a_provider_like_the_others(new_person: Callable[..., Person]) -> None:
    from ckanext.kzopen.core.people.sign_in.providers import Started

    person = new_person()
    given = {"login": person.email, "password": "walnut-harbour-velvet"}
    identity = providers.known("password").finish(Started(), given, "198.18.0.9")
    assert (identity.provider, identity.subject, identity.email) == ("password", person.id, person.email)

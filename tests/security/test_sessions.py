"""A session that somebody else knows is worth nothing before signing in, and nothing in this browser after signing out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ckan.tests.helpers import CKANTestApp

from tests.security.requests import HERE
from tests.security.world import World

PASSWORD = "walnut-harbour-velvet"
TOKEN = re.compile(r'name="_csrf_token" (?:type="hidden" )?content="([^"]+)"|name="_csrf_token" value="([^"]+)"')


@pytest.fixture(autouse=True)
def _with_protection(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", True)


def form_token(client: Any, path: str = "/user/login") -> str:
    found = TOKEN.search(client.open(path, base_url=HERE).get_data(as_text=True))
    assert found, f"no token in the form of {path}"
    return found[1] or found[2]


def session_of(client: Any) -> str:
    cookie = client.get_cookie("ckan", domain="localhost")
    return cookie.value if cookie else ""


def sign_in(client: Any, name: str, password: str = PASSWORD) -> Any:
    given = {"login": name, "password": password, "_csrf_token": form_token(client)}
    return client.open("/user/login", method="POST", data=given, base_url=HERE, follow_redirects=False)


def is_signed_in(client: Any) -> bool:
    return bool(client.open("/dashboard/datasets", base_url=HERE, follow_redirects=False).status_code == 200)


def test_the_session_changes_when_a_person_signs_in_and_out(world: World) -> None:
    client = world.app.test_client()
    form_token(client)
    before = session_of(client)
    assert sign_in(client, world.names["citizen"]).status_code == 302
    inside = session_of(client)
    client.open(
        "/user/_logout",
        method="POST",
        data={"_csrf_token": form_token(client, "/dashboard/datasets")},
        base_url=HERE,
        follow_redirects=False,
    )
    after = session_of(client)
    assert before
    assert inside
    assert len({before, inside, after}) == 3
    assert not is_signed_in(client)


def test_a_session_planted_before_signing_in_stays_anonymous(world: World) -> None:
    victim, thief = world.app.test_client(), world.app.test_client()
    form_token(victim)
    planted = session_of(victim)
    sign_in(victim, world.names["citizen"])
    thief.set_cookie("ckan", planted, domain="localhost")
    assert is_signed_in(victim)
    assert not is_signed_in(thief)


def test_the_token_of_forms_changes_when_a_person_signs_in(world: World) -> None:
    client = world.app.test_client()
    before = form_token(client)
    sign_in(client, world.names["citizen"])
    answer = client.open("/user/_logout", method="POST", data={"_csrf_token": before}, base_url=HERE, follow_redirects=False)
    assert answer.status_code == 400


def test_a_wrong_password_does_not_sign_in(world: World) -> None:
    client = world.app.test_client()
    sign_in(client, world.names["citizen"], "another-password")
    assert not is_signed_in(client)


def test_a_session_ends_when_its_account_is_deleted(world: World) -> None:
    from ckan import model

    from tests.publishing.conftest import new_agency

    person = new_agency(world.app)
    client = world.app.test_client()
    sign_in(client, person.user)
    assert is_signed_in(client)
    model.User.get(person.user).state = "deleted"
    model.Session.commit()
    assert not is_signed_in(client)


def test_the_cookie_of_a_session_is_not_for_scripts_and_not_for_other_sites(world: World) -> None:
    answer = world.app.test_client().open("/user/login", base_url=HERE)
    cookie = next(value for name, value in answer.headers if name == "Set-Cookie" and value.startswith("ckan="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie

"""No page of another site writes in the name of a reader who is signed in (CVE-2026-41255 and its like)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.errors import KzError

from tests.publishing.conftest import BASE
from tests.security import matrix
from tests.security.requests import HERE, address
from tests.security.world import World, rows

# Taken by programs with a token of their own or, in one click (RFC 8058), with the token of a mail; a session never writes
# there (tried below).
WITHOUT_FORMS = ("kzopen_universal_api.", "kzopen_harvest_api.", "kzopen_unsubscribe.")


@pytest.fixture(autouse=True)
def _with_protection(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", True)
    monkeypatch.setitem(app.flask_app.config, "PROPAGATE_EXCEPTIONS", False)


def forms(app: CKANTestApp) -> list[Any]:
    return [
        rule
        for rule in app.flask_app.url_map.iter_rules()
        if "POST" in rule.methods and not rule.endpoint.startswith(WITHOUT_FORMS)
    ]


def sent(client: Any, path: str, **given: Any) -> Any:
    return client.open(path, method="POST", base_url=HERE, follow_redirects=False, **given)


def test_a_form_without_its_token_is_refused_even_after_anonymous_and_token_requests(world: World) -> None:
    before = world.fingerprint()
    plain = world.app.test_client(use_cookies=False)
    operator = world.browser("operator")
    too_old, passed = KzError("web.form_expired").text("kk"), []
    for rule in forms(world.app):
        path = address(rule, world, world.datasets["private"])
        sent(plain, path)
        sent(plain, path, headers={"Authorization": world.tokens["citizen"]})
        answer = sent(operator, path)
        text = answer.get_data(as_text=True)
        model.Session.remove()
        if answer.status_code != 400 or too_old not in text:
            passed.append(f"{rule.endpoint} {path}: {answer.status_code}")
    assert not passed, "\n".join(passed)
    assert world.fingerprint() == before


def test_signing_in_needs_the_token_of_its_form(world: World) -> None:
    """Else another site signs a visitor in under its own account, and reads what they then write."""
    answer = sent(
        world.app.test_client(), "/user/login", data={"login": world.names["citizen"], "password": "walnut-harbour-velvet"}
    )
    assert answer.status_code == 400


def test_ckans_api_takes_writes_by_token_but_not_by_cookie(world: World) -> None:
    told = {"data": json.dumps({"id": world.names["citizen"]}), "content_type": "application/json"}
    path = "/api/3/action/unfollow_user"
    by_token = world.app.test_client(use_cookies=False)
    assert sent(by_token, path, headers={"Authorization": world.tokens["editor"]}, **told).status_code == 200
    assert sent(world.browser("editor"), path, **told).status_code == 400


def test_ckans_api_answers_anonymous_questions_by_post(world: World) -> None:
    told = {"data": json.dumps({"q": "*:*"}), "content_type": "application/json"}
    assert sent(world.app.test_client(), "/api/3/action/package_search", **told).status_code == 200


@pytest.mark.parametrize("level", ["author", "administrator", "operator"])
def test_a_session_alone_never_writes_through_the_universal_api(world: World, level: str) -> None:
    dataset = world.datasets["public"]
    browser = world.browser(level)
    assert browser.open("/staff/", base_url=HERE).status_code == 200
    for method, path in (("PUT", f"/datasets/{dataset.uri}"), ("POST", f"/datasets/{dataset.uri}/rows")):
        answer = browser.open(BASE + path, method=method, base_url=HERE, data=rows("x"))
        assert (answer.status_code, answer.json["code"]) == (401, "publishing.no_token")
    answer = sent(browser, f"{BASE}/deliveries/{dataset.delivery}/approve")
    assert (answer.status_code, answer.json["code"]) == (401, "publishing.no_token")


def test_every_other_way_of_writing_is_a_form_or_the_universal_api(app: CKANTestApp) -> None:
    """PUT, PATCH and DELETE, which forms cannot send, are taken by the universal API alone."""
    found = {
        rule.endpoint
        for rule in app.flask_app.url_map.iter_rules()
        for method in matrix.methods_of(rule)
        if method not in ("GET", "POST") and not rule.endpoint.startswith(WITHOUT_FORMS)
    }
    assert found == set()

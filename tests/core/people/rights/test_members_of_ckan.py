"""CKAN's own actions and pages keep the last administrator of an agency, as the desk does."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.assignments.change import assign
from ckanext.kzopen.core.web.errors import KzError

from tests.core.people.rights.test_pages_of_staff import asked, person
from tests.publishing.conftest import Agency, new_agency

PERSON = {"object_type": "user", "object": "{user}"}
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "deleted": ("organization_member_delete", {"username": "{user}"}),
    "deleted by the general action": ("member_delete", PERSON),
    "deleted with a word that means nothing there": ("member_delete", {**PERSON, "capacity": "admin"}),
    "made an editor": ("organization_member_create", {"username": "{user}", "role": "editor"}),
    "made an editor by the general action": ("member_create", {**PERSON, "capacity": "editor"}),
    "left out of the list": ("organization_patch", {"users": []}),
    "an editor in the list": ("organization_patch", {"users": [{"name": "{user}", "capacity": "editor"}]}),
    "an editor first": (
        "organization_patch",
        {"users": [{"name": "{user}", "capacity": "editor"}, {"name": "{user}", "capacity": "admin"}]},
    ),
    "by another's name": ("organization_patch", {"users": [{"id": "{user}", "name": "nobody", "capacity": "admin"}]}),
    "somebody who is not there": ("organization_patch", {"users": [{"name": "nobody-of-this-name", "capacity": "admin"}]}),
}


@pytest.fixture
def lonely(app: CKANTestApp) -> Agency:
    """Its user is the only administrator."""
    return new_agency(app, role="admin")


def call(app: CKANTestApp, by: str, agency: Agency, way: str, *, staying: str = "") -> None:
    """In that way the agency's user ceases to be its administrator; who stays is named where a list of all is wanted."""
    action, told = WAYS[way]
    filled = json.loads(json.dumps(told).replace("{user}", agency.user))
    if staying and "users" in filled:
        filled["users"].append({"name": staying, "capacity": "admin"})
    with app.flask_app.test_request_context():
        tk.get_action(action)({"user": by}, {"id": agency.id, **filled})


def administers(agency: Agency) -> bool:
    return rights.allowed(agency.user, "people.assign", agency.id)


@pytest.mark.parametrize("way", WAYS)
def test_the_last_administrator_is_kept_until_there_is_another(app: CKANTestApp, lonely: Agency, way: str) -> None:
    with pytest.raises(KzError) as caught:
        call(app, lonely.user, lonely, way)
    assert caught.value.code == "roles.last_administrator"
    assert administers(lonely)
    second = person(app, "agency_administrator", lonely).name
    call(app, second, lonely, way, staying=second)
    assert not administers(lonely)


def test_an_operator_ends_the_last_one_through_ckan_too(app: CKANTestApp, lonely: Agency) -> None:
    operator = person(app, "", lonely)
    assign(model.Session, operator.id, "operator", None, "system:test")
    model.Session.commit()
    call(app, operator.name, lonely, "deleted")
    assert not administers(lonely)


def test_ckans_page_says_why(app: CKANTestApp, lonely: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", False)  # tests/security tries the tokens in forms
    page = f"/ru/organization/member_delete/{lonely.name}?user={model.User.get(lonely.user).id}"
    answer = asked(app, lonely.user, page, go="1")
    assert answer.status_code == 409
    assert "Сначала назначьте другого" in answer.get_data(as_text=True)
    assert administers(lonely)


def test_two_administrators_do_not_leave_at_once(app: CKANTestApp, lonely: Agency) -> None:
    second = person(app, "agency_administrator", lonely).name
    with pytest.raises(KzError) as caught:
        call(app, second, lonely, "left out of the list")
    assert caught.value.code == "roles.last_administrator"
    assert administers(lonely)


@pytest.mark.parametrize("way", ["deleted", "deleted by the general action", "made an editor by the general action"])
def test_others_learn_nothing_of_who_is_the_last(app: CKANTestApp, lonely: Agency, way: str) -> None:
    stranger = person(app, "", lonely)
    with pytest.raises(tk.NotAuthorized):
        call(app, stranger.name, lonely, way)

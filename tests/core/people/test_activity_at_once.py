"""A new data set and its activity are one transaction, and the activity is what CKAN's own would be."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.activity import subscriptions
from ckanext.activity.model import Activity
from ckanext.kzopen.core.people import activity_at_once
from sqlalchemy import event, text

pytestmark = pytest.mark.usefixtures("with_plugins")

MADE_TOGETHER = text(
    "SELECT package.xmin = activity.xmin FROM package JOIN activity ON object_id = package.id WHERE package.id = :package"
)


@pytest.fixture
def owner() -> str:
    return str(factories.Organization()["id"])


@pytest.fixture
def author() -> str:
    return str(call_action("get_site_user", context={"ignore_auth": True})["name"])


@pytest.fixture
def commits() -> Iterator[list[str]]:
    """One item for each commit of CKAN's session."""
    found: list[str] = []

    def note(session: Any) -> None:
        if not session.in_nested_transaction():
            found.append("commit")

    event.listen(model.Session, "after_commit", note)
    yield found
    event.remove(model.Session, "after_commit", note)


def make(owner: str, author: str, context: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    name = f"at-once-{uuid.uuid4().hex}"
    resources = [{"name": "table", "url": "https://data.example.org/table.csv", "format": "CSV"}]
    given = {"title_translated": {"kk": name, "ru": name}, "tags": [{"name": "at-once"}], "resources": resources, **fields}
    given |= {"category": "economy", "periodicity": "YEARLY", "responsible_email": "a@example.org"}
    context = {"user": author, "ignore_auth": False} | (context or {})
    made = call_action("package_create", context=context, name=name, owner_org=owner, **given)
    return {"id": made} if isinstance(made, str) else dict(made)


def activities(made: dict[str, Any]) -> list[Activity]:
    return list(model.Session.query(Activity).filter_by(object_id=made["id"]))


def told(activity: Activity) -> dict[str, Any]:
    names = ("user_id", "object_id", "activity_type", "data", "permission_labels")
    return {name: getattr(activity, name) for name in names}


def test_a_data_set_and_its_activity_are_one_transaction(owner: str, author: str, commits: list[str]) -> None:
    made = make(owner, author)
    assert commits == ["commit"]
    assert model.Session.execute(MADE_TOGETHER, {"package": made["id"]}).scalars().all() == [True]


@pytest.mark.parametrize("fields", [{}, {"private": True}, {"state": "draft"}])
@pytest.mark.parametrize("who", ["an operator", "an editor"])
def test_the_activity_is_what_ckan_would_write(owner: str, author: str, fields: dict[str, Any], who: str) -> None:
    if who == "an editor":
        author = factories.User(password="walnut-harbour-velvet")["name"]
        call_action("organization_member_create", id=owner, username=author, role="editor")
    made = make(owner, author, **fields)
    (ours,) = activities(made)
    assert ours.data["package"]["resources"][0]["name"] == "table"
    context = {"user": author, "session": model.Session, "ignore_auth": True}
    subscriptions.package_changed("package_create", context=context, data_dict={}, result=made)
    (ckans,) = (one for one in activities(made) if one.id != ours.id)
    assert told(ours) == told(ckans)


@pytest.mark.parametrize("asked", ["return_id_only", "defer_commit"])
def test_in_whatever_way_it_is_made_it_has_one_activity(owner: str, author: str, asked: str) -> None:
    made = make(owner, author, {asked: True})
    model.Session.commit()
    (activity,) = activities(made)
    assert (activity.activity_type, activity.data["package"]["id"]) == ("new package", made["id"])


def test_what_was_rolled_back_is_told_again(owner: str, author: str) -> None:
    made = make(owner, author)
    model.Session.query(Activity).filter_by(object_id=made["id"]).delete()
    model.Session.commit()
    activity_at_once.write(made)
    model.Session.flush()
    model.Session.rollback()
    assert activities(made) == []
    context = {"user": author, "session": model.Session, "ignore_auth": True}
    subscriptions.package_changed("package_create", context=context, data_dict={}, result=made)
    assert len(activities(made)) == 1


def test_a_portal_without_activities_has_none(owner: str, author: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tk.config, "ckan.activity_streams_enabled", False)
    assert activities(make(owner, author)) == []

"""Organisations made by CKAN's own actions, as pages and API make them; they are purged at the end of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.agencies.model import Agency

Make = Callable[..., dict[str, Any]]


def act(action: str, /, **given: Any) -> Any:
    """An action of CKAN or ours, in the portal's own name."""
    return tk.get_action(action)({"ignore_auth": True, "user": site_user()}, given)


def site_user() -> str:
    return str(tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"])


def agency(agency_id: str) -> Agency:
    """The row as the database has it now."""
    model.Session.expire_all()
    return model.Session.get_one(Agency, agency_id)


@pytest.fixture
def request_context(app: CKANTestApp) -> Iterator[None]:
    with app.flask_app.test_request_context():
        yield


@pytest.fixture
def make(request_context: None) -> Iterator[Make]:
    """Makes organisations: `make("Title", groups=…)`."""
    made: list[str] = []

    def organisation(title: str = "Ұйым", **given: Any) -> dict[str, Any]:
        found: dict[str, Any] = act("organization_create", name=f"agency-{uuid4().hex[:10]}", title=title, **given)
        made.append(found["id"])
        return found

    yield organisation
    model.Session.rollback()
    for each in reversed(made):
        if model.Group.get(each) is not None:
            for package in model.Session.query(model.Package.id).filter(model.Package.owner_org == each).all():
                act("dataset_purge", id=package.id)
            act("organization_purge", id=each)

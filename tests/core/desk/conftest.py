"""The portal in this process, agencies of each test's own, and browsers in which their people are signed in."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import Agency, Api, _sessions_end, agency, anyone, api, new_agency, other_agency, uri
from tests.publishing.test_staff_pages import Browser

__all__ = ["_sessions_end", "agency", "anyone", "api", "other_agency", "uri"]


@pytest.fixture
def staff(app: CKANTestApp, agency: Agency) -> Browser:
    """A browser in which the agency's editor is signed in."""
    return Browser(app, agency.user)


@pytest.fixture
def stranger(app: CKANTestApp, other_agency: Agency) -> Browser:
    """A browser in which another agency's editor is signed in."""
    return Browser(app, other_agency.user)


@pytest.fixture
def administered(app: CKANTestApp) -> Agency:
    """An agency of which the user is an administrator."""
    return new_agency(app, "admin")


@pytest.fixture
def administrator(app: CKANTestApp, administered: Agency) -> Browser:
    """A browser in which the administrator of `administered` is signed in."""
    return Browser(app, administered.user)


def page(answer: Any) -> BeautifulSoup:
    assert answer.status_code == 200, answer.data[:800]
    return BeautifulSoup(answer.data, "html.parser")


def said(soup: BeautifulSoup, selector: str) -> list[str]:
    """What all elements of a selector say."""
    return [" ".join(found.get_text(" ").split()) for found in soup.select(selector)]


__all__ += ["Api", "page", "said"]

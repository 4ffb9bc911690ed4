"""What the README's command brings by itself: the address, accounts for trying the portal as staff, forty data sets."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.conftest import DEMONSTRATION, LivePortal, demonstration_of


def test_serve_prints_the_address_and_every_account_with_a_password_of_its_own(live_portal: LivePortal) -> None:
    if not live_portal.said:
        pytest.skip("KZOPEN_TEST_PORTAL names a portal that was started before the tests")
    assert re.search(rf"^The portal is up after \d+ s: {live_portal.url}$", live_portal.said, re.MULTILINE), live_portal.said
    told = dict(re.findall(r"^  \S+ +(\S+) +(\S+)$", live_portal.said, re.MULTILINE))
    assert told == {name: account["password"] for name, account in live_portal.accounts.items()}
    assert {"operator", "demo-editor", "demo-admin"} <= told.keys()
    assert len(set(told.values())) == len(told)


def test_the_demonstration_is_loaded_without_being_asked_for(live_portal: LivePortal) -> None:
    """The fixture has loaded nothing: it waited for the process `demo`. Other tests may have published since."""
    state, found = demonstration_of(live_portal.url, live_portal.data)
    assert state == "done"
    assert found >= DEMONSTRATION


def test_the_demo_accounts_have_their_place_in_an_agency(live_portal: LivePortal) -> None:
    assert {name: live_portal.accounts[name]["role"] for name in ("demo-editor", "demo-admin")} == {
        "demo-editor": "editor",
        "demo-admin": "admin",
    }
    users = httpx.post(
        f"{live_portal.url}/api/3/action/organization_show",
        json={"id": "demo-ministry", "include_users": True},
        headers={"Authorization": live_portal.accounts["operator"]["token"]},
        timeout=30,
    ).json()["result"]["users"]
    places = {user["name"]: user["capacity"] for user in users}
    assert (places["demo-editor"], places["demo-admin"]) == ("editor", "admin")

"""Accounts for trying the portal as staff."""

from __future__ import annotations

import httpx

from tests.conftest import LivePortal


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

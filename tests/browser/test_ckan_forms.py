"""Forms of CKAN whose scripts are written into their tags do their work although the content security policy refuses those."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import sign_in, staff_account
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser


def without_passport(portal: LivePortal) -> str:
    """A data set that CKAN's API made: the forms of others lead to the pages of the staff."""
    title = {"kk": "Құдықтар", "ru": "Колодцы", "en": "Wells"}
    given = {"name": "plain-wells", "type": "dataset", "owner_org": "demo-ministry"}
    given |= {"title_translated": title, "notes_translated": title}
    headers = {"Authorization": portal.accounts["operator"]["token"]}
    httpx.post(f"{portal.url}/api/3/action/package_create", json=given, headers=headers, timeout=60)
    return given["name"]


def test_a_resource_can_be_a_link_and_be_changed_back(context: BrowserContext, portal: LivePortal) -> None:
    page = context.new_page()
    sign_in(page, portal, "en")
    page.goto(f"/en/dataset/{without_passport(portal)}/resource/new")
    page.locator("#resource-link-button").click()
    page.keyboard.type("https://example.org/regions.csv")
    expect(page.locator("#field-resource-url")).to_have_value("https://example.org/regions.csv")
    page.locator(".btn-remove-url:visible").click()
    expect(page.locator("#field-resource-url")).to_be_hidden()
    expect(page.locator("#field-resource-url")).to_have_value("")


def test_a_token_is_made_and_revoked(context: BrowserContext, portal: LivePortal) -> None:
    page = context.new_page()
    sign_in(page, portal, "en")
    page.goto(f"/en/user/{staff_account(portal)[0]}/api-tokens")
    page.locator("input[name=name]").fill("trial")
    page.get_by_role("button", name="Create API Token").click()
    page.get_by_text("API Token created").wait_for()
    tokens = page.locator("#api-tokens-table tbody tr")
    before, revoke = tokens.count(), page.get_by_role("button", name="Revoke tokens")
    expect(revoke).to_be_disabled()
    tokens.filter(has_text="trial").locator("input[name=token]").check()
    expect(revoke).to_be_enabled()
    revoke.click()
    page.get_by_role("button", name="Confirm").click()
    expect(tokens).to_have_count(before - 1)

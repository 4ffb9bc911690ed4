"""What a hostile source sends runs nowhere in a real browser, even with the portal's content security policy switched off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import LANGUAGES, WIDE
from tests.conftest import LivePortal
from tests.publishing.harvest.source import Catalogue, serving
from tests.security.hostile import MARK, hostile

pytestmark = [pytest.mark.browser, pytest.mark.long]
AGENCY = "demo-kolbulak"
PATIENCE = 120
KINDS = ("ckan", "egov")
TOUCH = """() => document.querySelectorAll('main *').forEach(element => {
  for (const name of ['mouseover', 'focus', 'toggle', 'animationstart', 'load', 'error'])
    element.dispatchEvent(new Event(name));
  if (element.protocol === 'javascript:' || element.protocol === 'data:') element.click();
})"""
"""What a reader's mouse and keyboard would do to each element of the page."""


@pytest.fixture
def harvested(portal: LivePortal) -> Iterator[list[str]]:
    """The names of data sets of two hostile sources; purged afterwards, for the portal is everybody's."""
    headers, runs = {"Authorization": portal.accounts["operator"]["token"]}, []
    with httpx.Client(base_url=portal.url, headers=headers, timeout=60) as client:
        for kind in KINDS:
            with serving(Catalogue()) as catalogue:
                runs.append(_harvest(client, kind, hostile(kind, catalogue)))
        items = [item for run in runs for item in client.get(f"/api/harvest/v1/runs/{run}/items?limit=1000").json()]
        names = [item["uri"] for item in items if item["outcome"] == "added"]
        yield names
        for name in names:
            client.post("/api/3/action/dataset_purge", json={"id": name}).raise_for_status()


def _harvest(client: httpx.Client, kind: str, settings: dict[str, Any]) -> str:
    """The number of a run that has ended."""
    name = f"hostile-{uuid4().hex[:10]}"
    source = {"name": name, "kind": kind, "agency": AGENCY, "settings": settings, "defaults": {"prefix": f"{name[-6:]}-"}}
    client.post("/api/harvest/v1/sources", json=source).raise_for_status()
    number = ""
    for purpose in ("preview", "harvest"):
        number = client.post(f"/api/harvest/v1/sources/{name}/runs", json={"purpose": purpose}).raise_for_status().json()["id"]
        until = time.monotonic() + PATIENCE
        while client.get(f"/api/harvest/v1/runs/{number}").json()["under_way"]:
            assert time.monotonic() < until, kind
            time.sleep(0.3)
        if purpose == "preview":
            client.post(f"/api/harvest/v1/sources/{name}/switch_on", json={}).raise_for_status()
    return number


@pytest.fixture
def ran() -> list[str]:
    """The addresses of pages on which a string ran."""
    return []


@pytest.fixture
def unguarded(browser: Browser, portal: LivePortal, ran: list[str]) -> Iterator[Page]:
    """A page without the content security policy, in which the function that the strings call tells that it was called."""
    context = browser.new_context(base_url=portal.url, viewport=WIDE, bypass_csp=True)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.expose_function(MARK, lambda: ran.append(page.url))
    yield page
    context.close()


def test_what_a_hostile_source_sends_runs_nowhere(harvested: list[str], unguarded: Page, ran: list[str]) -> None:
    assert len(harvested) >= 10
    names = harvested[::2]
    paths = [f"/{LANGUAGES[place % 3]}/dataset/{name}" for place, name in enumerate(names)]
    paths += [f"/ru/search?q={MARK}", f"/kk/dataset/?q={MARK}", f"/en/organization/{AGENCY}"]
    for path in paths:
        unguarded.goto(path)
        expect(unguarded.locator("main, body").first).to_contain_text(MARK)
        unguarded.evaluate(TOUCH)
    table = unguarded.request.get(f"/api/3/action/package_show?id={names[0]}").json()["result"]["resources"][0]["id"]
    unguarded.goto(f"/ru/dataset/{names[0]}/resource/{table}")
    expect(unguarded.locator("td").first).to_be_visible()
    unguarded.evaluate(TOUCH)
    unguarded.goto("/ru/")
    unguarded.locator("#hero-q").press_sequentially(MARK, delay=20)
    expect(unguarded.get_by_role("option").first).to_contain_text(MARK)
    unguarded.evaluate(TOUCH)
    unguarded.wait_for_timeout(300)
    assert ran == []


def test_a_string_that_ran_would_be_noticed(unguarded: Page, ran: list[str]) -> None:
    unguarded.goto("/ru/")
    unguarded.evaluate("document.querySelector('main').innerHTML = '<img src=x onerror=kzxss()>'")
    unguarded.wait_for_timeout(500)
    assert ran != []

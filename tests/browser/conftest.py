"""A real browser at a running portal. Chromium is Debian's, where it is there as it was built for use without a screen;
nothing is downloaded."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.conftest import LivePortal

CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first needs two thirds of the time of the second."""
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions "
    # Each test has a window of its own: as many processes took a quarter of the browser's time.
    "--renderer-process-limit=1 --disable-site-isolation-trials"
)
LANGUAGES = ("kk", "ru", "en")
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 360, "height": 740}


def now_in(language: str) -> list[Any]:
    """All languages; those but one wait for the long form."""
    return [pytest.param(one, marks=() if one == language else pytest.mark.long) for one in LANGUAGES]


@pytest.fixture(scope="package")
def portal(live_portal: LivePortal) -> LivePortal:
    """The running portal with demonstration content."""
    return live_portal


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each test gets contexts of its own."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), CHROMIUM[0])
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=QUIET.split())
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser, portal: LivePortal) -> Iterator[BrowserContext]:
    """A visitor's window: no cookies, addresses relative to the portal."""
    opened = browser.new_context(base_url=portal.url, viewport=WIDE)
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """An empty page; the test fails when a script fails on it or the browser blocks something of it."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.extend(_complaint(message)))
    yield opened
    assert complaints == []


def _complaint(message: ConsoleMessage) -> list[str]:
    return [message.text] if message.type == "error" else []


def width_of(page: Page) -> int:
    """Pixels of the whole page's width, measured when its styles are there: a click returns as soon as the page begins."""
    page.wait_for_load_state("load")
    return int(page.evaluate("document.documentElement.scrollWidth"))


def staff_account(portal: LivePortal) -> tuple[str, str]:
    """Name and password of someone who may publish: an editor of the demonstration, else the operator."""
    editors = [name for name, account in portal.accounts.items() if account.get("role") == "editor"]
    name = editors[0] if editors else "operator"
    return name, portal.accounts[name]["password"]


def sign_in(page: Page, portal: LivePortal, language: str, who: str = "") -> None:
    """Fill in the form of signing in and send it, as somebody who may publish, or as `who`."""
    name, password = (who, portal.accounts[who]["password"]) if who else staff_account(portal)
    page.goto(f"/{language}/user/login")
    page.locator("#field-login").fill(name)
    page.locator("#field-password").fill(password)
    page.locator(".sign-in-form button[type=submit]").click()


def sign_in_as_operator(page: Page, portal: LivePortal) -> None:
    """Sign in and set up the second factor, which is asked of operators; later windows get the cookies of the first."""
    if portal.url in _OPERATORS:
        page.context.add_cookies(_OPERATORS[portal.url])
        return
    sign_in(page, portal, "en", "operator")
    page.wait_for_url("**/account/second-factor*")
    secret = page.locator("p > code").inner_text().replace(" ", "")
    page.locator("[name=code]").fill(pyotp.TOTP(secret).now())
    page.locator("[name=password]").fill(portal.accounts["operator"]["password"])
    page.locator("form:has([name=code]) button[type=submit]").first.click()
    page.get_by_text(re.compile(r"^[a-z2-9]{5}-[a-z2-9]{5}$")).first.wait_for()
    _OPERATORS[portal.url] = page.context.cookies()


_OPERATORS: dict[str, Any] = {}
"""The cookies of the operator who is signed in, by the portal's address."""

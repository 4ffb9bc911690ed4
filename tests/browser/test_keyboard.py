"""The workstation without a mouse: whoever has only Tab, Space, Enter and letters publishes, registers and harvests.

Publishing is tried in one language; `./kzopen test pages` tries every story in all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import LANGUAGES, now_in
from tests.browser.test_desk import STORIES, Words
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser
FARTHEST = 250
"""Presses of Tab from the beginning of a page to its end."""
IS_FOCUSED = "e => e === document.activeElement"
IS_SEEN = """e => {
  const s = getComputedStyle(e);
  return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== "none";
}"""


@dataclass(frozen=True)
class Keys:
    """The keyboard of one person."""

    page: Page

    def reach(self, target: Locator) -> None:
        """Press Tab until the target has the focus, which must be seen."""
        expect(target).to_be_visible()
        element = target.element_handle()  # so that it is not looked for at each press
        for _ in range(FARTHEST):
            if element.evaluate(IS_FOCUSED):
                assert element.evaluate(IS_SEEN), "one does not see where one is"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not reach {target}")

    def press(self, target: Locator) -> None:
        self.reach(target)
        self.page.keyboard.press("Enter")

    def write(self, target: Locator, text: str) -> None:
        self.reach(target)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, group: Locator, wanted: Locator) -> None:
        """Go to a group of choices, of which Tab reaches one, and by the arrow to the one that is wanted."""
        for _ in range(FARTHEST):
            if group.evaluate_all("all => all.includes(document.activeElement)"):
                break
            self.page.keyboard.press("Tab")
        for _ in range(group.count()):
            self.page.keyboard.press("ArrowDown")
            if wanted.is_checked():
                return
        raise AssertionError(f"the arrow does not reach {wanted}")

    def follow(self, target: Locator) -> None:
        """Press Enter and wait for the next page."""
        with self.page.expect_navigation():
            self.press(target)

    def choose_file(self, target: Locator, file: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.press(target)
        chooser.value.set_files(file)

    def sign_in(self, portal: LivePortal, language: str) -> None:
        """As the administrator of the demonstration's agency, from the home page."""
        page = self.page
        page.goto(f"/{language}/")
        self.follow(page.locator("header a[href*='/user/login']").first)
        self.write(page.locator("#field-login"), "demo-admin")
        self.write(page.locator("#field-password"), portal.accounts["demo-admin"]["password"])
        with page.expect_navigation():
            page.keyboard.press("Enter")
        self.follow(page.get_by_role("banner").get_by_role("link", name=STORIES[language].workstation))

    def desk(self, name: str) -> None:
        self.follow(self.page.locator(".desk-nav").get_by_role("link", name=name, exact=True))

    def wait_for_the_worker(self, words: Words) -> None:
        again = self.page.get_by_role("link", name=words.look_again)
        for _ in range(240):
            if not again.is_visible():
                return
            self.page.wait_for_timeout(250)
            self.follow(again)


@pytest.mark.parametrize("language", now_in("kk"))
def test_a_table_is_published(page: Page, portal: LivePortal, tmp_path: Path, language: str) -> None:
    words, keys = STORIES[language], Keys(page)
    keys.sign_in(portal, language)
    keys.desk(words.data_sets)
    keys.follow(page.get_by_role("main").get_by_role("link", name=words.title).first)
    table = tmp_path / "table.csv"
    uri = re.sub(r".*/datasets/", "", page.url)
    table.write_bytes(page.request.get(f"/data/{uri}.csv").body())
    keys.follow(page.get_by_role("link", name=words.upload))
    keys.choose_file(page.locator("input[type=file]"), table)
    keys.follow(page.get_by_role("button", name=words.upload_and_check))
    keys.wait_for_the_worker(words)
    expect(page.get_by_text(words.right)).to_be_visible()
    keys.follow(page.get_by_role("button", name=words.publish, exact=True))
    keys.wait_for_the_worker(words)
    expect(page.get_by_role("heading", level=1)).to_have_text(words.published)


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_system_is_registered_and_gets_its_token(page: Page, portal: LivePortal, language: str) -> None:
    words, keys, name = STORIES[language], Keys(page), f"Жүйе {uuid4().hex[:6]}"
    keys.sign_in(portal, language)
    keys.desk(words.systems)
    keys.follow(page.get_by_role("main").get_by_role("link", name=words.register))
    for field, text in (("name", name), ("bin", "000140000012"), ("contact", "Бөлім"), ("email", "data@example.org")):
        keys.write(page.locator(f"#f-{field}"), text)
    keys.choose(page.locator("[name=datasets]"), page.locator("#f-all"))
    keys.follow(page.get_by_role("button", name=words.register_now))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    keys.follow(page.get_by_role("link", name=words.issue))
    keys.follow(page.get_by_role("button", name=words.issue))
    secret = page.locator("#the-token").inner_text()
    assert secret.startswith("kzs_")
    keys.follow(page.get_by_role("link", name=words.copied))
    expect(page.locator(".task code", has_text=secret[:12])).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_source_is_described_and_looked_at(page: Page, portal: LivePortal, language: str) -> None:
    """The demonstration may not ask this machine, and says so on the page of the run."""
    keys, name = Keys(page), f"keys-{uuid4().hex[:8]}"
    keys.sign_in(portal, language)
    keys.follow(page.locator(".desk-nav a[href$='/staff/harvest']"))
    keys.follow(page.get_by_role("main").locator("a[href$='/staff/harvest/new']").first)
    keys.follow(page.get_by_role("main").locator("a[href*='kind=json_api']"))
    for field, text in (("title", "Тізілім"), ("name", name), ("setting-address", "http://10.255.255.9/list")):
        keys.write(page.locator(f"#f-{field}"), text)
    keys.reach(page.locator("#f-agency"))
    page.keyboard.press("ArrowDown")
    keys.follow(page.get_by_role("main").locator("form button[type=submit]").last)
    expect(page.get_by_role("heading", level=1)).to_have_text("Тізілім")
    keys.follow(page.locator("button[name=purpose][value=preview]"))
    # The page of a run renews itself.
    expect(page.get_by_role("main").get_by_text("10.255.255.9").first).to_be_visible(timeout=60_000)

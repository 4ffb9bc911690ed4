"""Everyone can use the pages: with a screen reader, a telephone, the keyboard, without scripts.

Each page is looked at in one of the languages, in turn; `./kzopen test pages` looks at every page in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import LANGUAGES, NARROW, WIDE, now_in, sign_in, sign_in_as_operator, width_of
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser

DATASET = "demo-sarydala-schools"
PUBLIC = (
    "/",
    "/dataset/",
    "/search",
    "/search?section=dataset&q=демо",
    "/search?q=zzzz",
    "/dataset/?q=demo&page=2",
    f"/dataset/{DATASET}",
    "/organization/",
    "/organization/tree",
    "/user/login",
    "/about",
)
AGENCY = "/staff/agencies/demo-sarydala"
STAFF = ("/staff/", "/staff/datasets", "/staff/datasets/demo-regions/deliveries/new", "/staff/datasets/new")
OPERATORS = ("/staff/agencies", AGENCY, "/staff/harvest", "/staff/harvest/new?kind=json_api", f"{AGENCY}/liquidate")
MORE = ("/staff/harvest/new", *(f"{AGENCY}/{form}" for form in ("rename", "move", "below")))
"""Pages much like one of those."""
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"


def serious(page: Page) -> list[str]:
    """What axe finds to be serious or critical, each with the elements."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{violation['id']}: {[node['html'][:160] for node in violation['nodes']]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


def wrong_on(page: Page, address: str) -> tuple[str, list[str], int]:
    """Where the address led, what axe finds on a wide screen, and how wide the page is on a narrow telephone."""
    page.set_viewport_size(WIDE)
    page.goto(address)
    found = serious(page)
    page.set_viewport_size(NARROW)
    return urlsplit(page.url).path, found, width_of(page)


def in_turn(paths: Iterable[str]) -> list[str]:
    """The pages, each in the next language."""
    return [f"/{language}{path}" for path, language in zip(paths, cycle(LANGUAGES))]


def none_wrong(addresses: Iterable[str]) -> dict[str, tuple[str, list[str], int]]:
    return {address: (urlsplit(address).path, [], NARROW["width"]) for address in addresses}


@pytest.mark.parametrize("address", in_turn(PUBLIC))
def test_public_pages_are_used_by_everyone_and_on_a_narrow_telephone(page: Page, address: str) -> None:
    _, found, width = wrong_on(page, address)
    assert (found, width) == ([], NARROW["width"])


def test_pages_of_staff_are_used_by_everyone_and_on_a_narrow_telephone(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal, "kk")
    pages = in_turn(STAFF)
    assert {address: wrong_on(page, address) for address in pages} == none_wrong(pages)


@pytest.mark.long
@pytest.mark.parametrize("paths", [OPERATORS, MORE], ids=["each kind", "more"])
def test_pages_of_operators_are_used_by_everyone_and_on_a_narrow_telephone(
    page: Page, portal: LivePortal, paths: tuple[str, ...]
) -> None:
    sign_in_as_operator(page, portal)
    pages = in_turn(paths)
    assert {address: wrong_on(page, address) for address in pages} == none_wrong(pages)


@pytest.mark.parametrize("path", ["/", "/dataset/", f"/dataset/{DATASET}", "/user/login"])
def test_the_tab_key_reaches_everything_and_shows_where_it_is(page: Page, path: str) -> None:
    page.goto(f"/en{path}")
    page.evaluate("document.body.focus()")
    wanted = page.evaluate(MARK_AND_COUNT, FOCUSABLE)
    reached: set[str] = set()
    unseen: list[str] = []
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        number, seen = page.evaluate(FOCUSED)
        reached.add(number)
        unseen += [] if seen or number == "" else [number]
    assert reached >= {str(number) for number in range(wanted)}
    assert unseen == []


MARK_AND_COUNT = """selector => {
  const all = [...document.querySelectorAll(selector)].filter(e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0);
  all.forEach((e, n) => e.dataset.number = n);
  return all.length;
}"""
FOCUSED = """() => {
  const e = document.activeElement, s = getComputedStyle(e);
  return [e.dataset.number || "", s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== "none"];
}"""


def test_the_first_tab_offers_to_skip_to_the_content(page: Page) -> None:
    page.goto("/ru/dataset/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Перейти к основному содержанию")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"


@pytest.mark.parametrize("language", now_in("ru"))
def test_pages_tell_their_content_without_scripts(browser: Browser, portal: LivePortal, language: str) -> None:
    context = browser.new_context(base_url=portal.url, viewport=WIDE, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/{language}/")
    expect(page.locator(".dataset-card")).to_have_count(6)
    page.locator("#hero-q").fill(DATASET)
    page.locator(".hero-search button").click()
    page.wait_for_url(f"**/{language}/search?**")
    page.locator(f".hits h3 a[href$='/dataset/{DATASET}']").click()
    expect(page.locator("#rows").locator("xpath=../..").locator("tbody tr")).to_have_count(10)
    page.locator(".part-heading a").first.click()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.locator(".pagination a[rel=next]").click()
    expect(page.locator(".pagination [aria-current=page]")).to_contain_text("2")
    sign_in(page, portal, language)
    page.goto(f"/{language}/staff/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    context.close()


@pytest.mark.long
@pytest.mark.parametrize("language", now_in("kk"))
def test_the_page_of_the_whole_table_is_as_usable(page: Page, language: str) -> None:
    page.set_viewport_size(NARROW)
    page.goto(f"/{language}/dataset/{DATASET}")
    page.locator(".part-heading a").first.click()
    expect(page.locator("tbody tr")).to_have_count(50)
    assert serious(page) == []
    assert width_of(page) == NARROW["width"]
    page.locator("thead a").first.click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(1)


def test_languages_name_themselves_in_their_own_language(page: Page) -> None:
    page.goto("/ru/")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    links = page.locator(".languages a")
    assert links.evaluate_all("all => all.map(link => link.lang)") == ["kk", "ru", "en"]
    assert links.all_inner_texts() == ["Қазақша", "Русский", "English"]


def test_movement_stops_for_those_who_ask_for_it(browser: Browser, portal: LivePortal) -> None:
    context = browser.new_context(base_url=portal.url, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/en/")
    moving = "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    assert page.evaluate(moving) == 0
    context.close()

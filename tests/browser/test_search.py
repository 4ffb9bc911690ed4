"""Searching by clicks and typing only: suggestions, filters whose counts stay, a saved search; the same without scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import NARROW, WIDE, now_in, sign_in, width_of
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Words:
    """What the reader of one language types and sees."""

    typed: str
    suggested: str
    misspelt: str
    meant: str
    data_sets: str
    save: str
    stored: str


STORIES = {
    "kk": Words("мект", "мектеп", "тариыфтер", "дегіңіз келді ме", "Деректер жиындары", "Іздеуді сақтау", "Сақтау"),
    "ru": Words("школ", "Школы", "воздхуа", "имели в виду", "Наборы данных", "Сохранить поиск", "Сохранить"),
    "en": Words("scho", "Schools", "shcools", "Did you mean", "Data sets", "Save this search", "Save"),
}


@pytest.mark.parametrize("language", now_in("ru"))
def test_a_citizen_searches_narrows_and_saves_the_search(page: Page, portal: LivePortal, language: str) -> None:
    words = STORIES[language]
    sign_in(page, portal, language)
    page.goto(f"/{language}/")
    page.locator("#hero-q").press_sequentially(words.typed, delay=20)
    suggestion = page.get_by_role("option").filter(has_text=re.compile(words.suggested, re.IGNORECASE)).first
    expect(suggestion).to_be_visible()
    page.keyboard.press("Escape")
    expect(suggestion).to_be_hidden()
    page.locator("#hero-q").fill(words.suggested)
    page.locator("#hero-q").press("Enter")
    expect(page.locator(".hits h3 mark").first).to_be_visible()

    page.locator(".search-sections").get_by_role("link", name=words.data_sets).click()
    expect(page.locator(".search-sections [aria-current]")).to_contain_text(words.data_sets)
    box = page.locator("input[name=format][value=CSV]")
    count = page.locator("label", has=box).locator(".count").inner_text()
    box.check()
    expect(page).to_have_url(re.compile("format=CSV"))
    expect(box).to_be_checked()
    assert page.locator("label", has=box).locator(".count").inner_text() == count
    expect(page.locator(".applied a")).to_have_count(1)

    page.get_by_role("link", name=words.save).click()
    page.get_by_role("main").get_by_role("button", name=words.stored, exact=True).click()
    saved = page.get_by_role("link", name=re.compile(f"«{words.suggested}».*CSV"))
    expect(saved).to_be_visible()
    saved.click()
    expect(page.locator("#search-q")).to_have_value(words.suggested)
    expect(page.locator("input[name=format][value=CSV]")).to_be_checked()


def test_a_filter_chosen_before_the_scripts_have_come_is_applied(page: Page, portal: LivePortal) -> None:
    """On a slow line the page stands before its scripts: the box was ticked, and nothing ever happened."""
    held: list[Route] = []
    page.route(re.compile(r"script.*\.js"), lambda script: held.append(script))
    page.goto("/en/search?section=dataset", wait_until="commit")
    page.locator("input[name=format][value=CSV]").check()
    expect(page).not_to_have_url(re.compile("format=CSV"))
    for script in held:
        script.continue_()
    expect(page).to_have_url(re.compile("format=CSV"))
    expect(page.locator(".applied a")).to_have_count(1)
    page.unroute_all(behavior="ignoreErrors")
    page.locator("#search-sort").select_option("name")
    expect(page).to_have_url(re.compile("sort=name"))
    with page.expect_event("load"):
        page.go_back()
    expect(page).not_to_have_url(re.compile("sort=name"))
    page.reload()
    expect(page.locator("input[name=format][value=CSV]")).to_be_checked()
    expect(page).not_to_have_url(re.compile("sort=name"))


def test_an_order_that_the_page_does_not_offer_is_left_as_it_is(page: Page) -> None:
    """Programs sort by `id`; a page that took this for a choice of the reader asked for itself again and again."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search?" in request.url else None)
    page.goto("/en/search?q=school&sort=id")
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1
    expect(page).to_have_url(re.compile("sort=id"))


@pytest.mark.parametrize("language", STORIES)
def test_a_typing_error_is_understood(page: Page, language: str) -> None:
    words = STORIES[language]
    page.goto(f"/{language}/search")
    page.locator("#search-q").fill(words.misspelt)
    page.locator("#search-q").press("Enter")
    expect(page.locator(".meant")).to_contain_text(words.meant)
    expect(page.locator(".hits h3").first).to_be_visible()
    expect(page.locator("#search-q")).to_have_value(words.misspelt)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_all_of_it_works_without_scripts(browser: Browser, portal: LivePortal, viewport: dict[str, int]) -> None:
    context = browser.new_context(base_url=portal.url, viewport=viewport, java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/kk/search?section=dataset")
    page.locator("#search-q").fill("мектеп")
    page.locator("input[name=format][value=CSV]").check()
    page.locator(".filter .days + button").click()
    expect(page).to_have_url(re.compile("section=dataset.*format=CSV|format=CSV.*section=dataset"))
    expect(page.locator(".hits h3 mark").first).to_be_visible()
    page.locator(".applied a").first.click()
    expect(page.locator("input[name=format][value=CSV]")).not_to_be_checked()
    assert width_of(page) <= viewport["width"]
    context.close()

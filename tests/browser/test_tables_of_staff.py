"""Tables of staff on a telephone and on a desk: sentences and buttons are in sight without scrolling sideways."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import NARROW, WIDE, sign_in, width_of
from tests.browser.test_repair_story import described, wait_for_the_worker
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser

HEADER = "БСН;Мекеме атауы;Сомасы;Күні;Облыс атауы;Аудан атауы;Мекенжайы;Балалар саны;Басшысы\n"
GOOD = "000140000012;Лицей;1250.5;2026-01-31;Алматы облысы;Талғар ауданы;Абай көшесі 12, кеңсе 4;120;Ахметов Асқар\n"
BAD = GOOD.replace("1250.5", "мың теңге").replace("2026-01-31", "отыз бірі қаңтар").replace(";120;", ";көп;")
LABELS = """tables => tables.flatMap(table => {
    const headers = [...table.tHead.rows[0].cells].map(cell => cell.textContent.trim());
    return [...table.tBodies[0].rows].flatMap(row => [...row.cells])
        .filter(cell => cell.dataset.label !== undefined && cell.dataset.label !== headers[cell.cellIndex])
        .map(cell => cell.dataset.label);
})"""


@pytest.fixture(scope="module")
def delivery(browser: Browser, portal: LivePortal, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any]:
    """The address of a delivery of many columns with mistakes, in Kazakh, and the cookies of its sender."""
    folder = tmp_path_factory.mktemp("tables")
    sample, messy = folder / "үлгі.csv", folder / "кесте.csv"
    sample.write_text(HEADER + GOOD + GOOD.replace("000140000012", "990240000415"), encoding="utf-8")
    messy.write_text(HEADER + GOOD + BAD.replace("000140000012", "990240000415"), encoding="utf-8")
    context = browser.new_context(base_url=portal.url, viewport=WIDE)  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, portal, "kk")
    page.wait_for_load_state("load")
    described(page, f"keste-{uuid4().hex[:6]}", sample)
    page.get_by_role("link", name="Файл жүктеу").click()
    page.locator("input[type=file]").set_input_files(messy)
    page.get_by_role("button", name="Жүктеп, тексеру").click()
    wait_for_the_worker(page)
    address, cookies = page.url, context.cookies()
    context.close()
    return address, cookies


@pytest.fixture
def refused(page: Page, delivery: tuple[str, Any]) -> Page:
    """The page of that delivery."""
    address, cookies = delivery
    page.context.add_cookies(cookies)
    page.goto(address)
    return page


def lies_within(one: Locator, box: Locator) -> bool:
    inner, outer = one.bounding_box(), box.bounding_box()
    assert inner is not None
    assert outer is not None
    return inner["x"] >= outer["x"] - 1 and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1


def scrolls(box: Locator) -> bool:
    return bool(box.evaluate("box => box.scrollWidth > box.clientWidth"))


def test_sentences_about_mistakes_are_not_cut_off(refused: Page) -> None:
    box = refused.locator(".table-wrap:has(table.marked)")
    for size in (NARROW, WIDE):
        refused.set_viewport_size(size)  # type: ignore[arg-type]
        assert scrolls(box)
        for left in (0, 200):
            box.evaluate(f"box => {{ box.scrollLeft = {left} }}")
            sentences = box.locator("tr.why li").all()
            assert len(sentences) >= 3
            assert all(lies_within(sentence, box) for sentence in sentences)
        refused.locator("details:has(table.report)").evaluate("details => { details.open = true }")
        assert not scrolls(refused.locator(".table-wrap:has(table.report)"))


def test_a_list_of_things_is_cards_on_a_telephone(refused: Page) -> None:
    refused.set_viewport_size(NARROW)  # type: ignore[arg-type]
    refused.goto("/kk/staff/datasets")
    upload = refused.get_by_role("link", name="Жүктеу").first
    assert lies_within(upload, refused.locator("body"))
    assert not any(scrolls(box) for box in refused.locator(".table-wrap").all())
    assert width_of(refused) <= NARROW["width"]
    assert refused.locator(".table.as-cards").evaluate_all(LABELS) == []
    label = refused.locator("td[data-label='Нұсқа']").first.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert "Нұсқа" in label
    refused.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert not any(scrolls(box) for box in refused.locator(".table-wrap").all())


def test_every_list_is_cards_labelled_by_its_headers(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal, "ru", "demo-admin")
    page.wait_for_load_state("load")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    for path in ("/staff/people", "/staff/agencies", "/staff/events", "/figures"):
        page.goto(f"/ru{path}")
        cells = page.locator(".table.as-cards > tbody td[data-label]")
        assert cells.count() > 0, f"nothing is listed on {path}"
        assert page.locator(".table.as-cards").evaluate_all(LABELS) == [], path
        assert not any(scrolls(box) for box in page.locator(".table-wrap").all()), path
        assert width_of(page) <= NARROW["width"], path


def test_all_fields_of_a_column_are_in_sight_on_a_desk(refused: Page) -> None:
    refused.goto("/kk/staff/datasets/new")
    box = refused.locator(".table-wrap:has([name='columns.0.name'])")
    assert not scrolls(box)
    for name in ("name", "type", "kk", "ru", "en", "required", "key", "enum", "pattern"):
        field = refused.locator(f"[name='columns.0.{name}']")
        expect(field).to_be_visible()
        assert lies_within(field, box)

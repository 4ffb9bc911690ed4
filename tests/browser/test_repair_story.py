"""A civil servant's afternoon in Kazakh, by clicks and typing only and without a script: a data set described from a file,
a messy file sent, its report read, the repairs accepted, the table published; and the portal's own workbook filled in."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import staff_account, width_of
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser

SAMPLE = "БСН;Мекеме атауы;Сомасы;Күні\n000140000012;Лицей;1250,5;2026-01-31\n990240000415;Гимназия;12000;2026-02-01\n"
MESSY = (
    "БСН;Мекеме атауы;Сомасы;Күні\n"
    "140000012;Hово мектебі;1 250,75 ₸;31.01.2026\n"
    "990240000415;Гимназия;12 000;2026/02/01\n"
    "150640021112;Лицей;н/д;3 ақпан 2026 ж.\n"
    "Барлығы;;13 250,75;\n"
)


@pytest.fixture
def plain(browser: Browser, portal: LivePortal) -> Page:
    """A page 360 pixels wide in a browser without scripts."""
    return browser.new_context(
        base_url=portal.url, java_script_enabled=False, viewport={"width": 360, "height": 780}
    ).new_page()


def test_a_civil_servant_publishes_a_messy_table_in_kazakh(plain: Page, portal: LivePortal, tmp_path: Path) -> None:
    page, name = plain, f"balabaqsha-{uuid4().hex[:6]}"
    sample, messy = tmp_path / "үлгі.csv", tmp_path / "кесте.csv"
    sample.write_text(SAMPLE, encoding="utf-8")
    messy.write_text(MESSY, encoding="utf-8")
    sign_in(page, portal)

    described(page, name, sample)
    page.get_by_role("link", name="Файл жүктеу").click()
    page.locator("input[type=file]").set_input_files(messy)
    page.get_by_role("button", name="Жүктеп, тексеру").click()
    wait_for_the_worker(page)

    expect(page.get_by_role("heading", level=1)).to_have_text("Файлды түзету қажет")
    expect(page.get_by_role("heading", name="Мұны портал түзете алады")).to_be_visible()
    expect(page.get_by_text("кодтың басындағы нөлдер түсіп қалған")).to_be_visible()
    expect(page.locator("table.marked td.wrong").first).to_be_visible()
    assert width_of(page) <= 360
    page.get_by_role("button", name="Барлығын түзету").click()
    wait_for_the_worker(page)

    expect(page.get_by_role("heading", name="Портал түзеткендер")).to_be_visible()
    expect(page.get_by_text("Қате табылған жоқ. Кесте әлі жарияланбады.")).to_be_visible()
    page.get_by_role("button", name="Жариялау", exact=True).click()
    wait_for_the_worker(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Кесте жарияланды")
    page.get_by_role("link", name="Оқырманға көрінетін түрі").click()
    expect(page.get_by_text("Ново мектебі").first).to_be_visible()


def test_a_civil_servant_fills_in_the_portals_own_workbook(plain: Page, portal: LivePortal, tmp_path: Path) -> None:
    page, name = plain, f"keste-{uuid4().hex[:6]}"
    sample = tmp_path / "үлгі.csv"
    sample.write_text(SAMPLE, encoding="utf-8")
    sign_in(page, portal)

    described(page, name, sample)
    page.get_by_role("link", name="Файл жүктеу").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Толтыруға арналған бос кестені жүктеп алу").click()
    filled = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(filled)
    assert filled.suffix == ".xlsx"
    fill(filled, [["000140000012", "Лицей", 1250.5, date(2026, 1, 31)], ["990240000415", "Гимназия", 12000, date(2026, 2, 1)]])
    page.locator("input[type=file]").set_input_files(filled)
    page.get_by_role("button", name="Жүктеп, тексеру").click()
    wait_for_the_worker(page)

    expect(page.get_by_text("Қате табылған жоқ. Кесте әлі жарияланбады.")).to_be_visible()
    expect(page.locator("table.marked tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Жариялау", exact=True).click()
    wait_for_the_worker(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Кесте жарияланды")
    page.get_by_role("link", name="Оқырманға көрінетін түрі").click()
    expect(page.get_by_text("Гимназия").first).to_be_visible()
    published = page.request.get(f"/data/{name}.csv").text().removeprefix("\ufeff")
    assert list(csv.reader(published.splitlines()))[1:] == [
        ["000140000012", "Лицей", "1250.5", "2026-01-31"],
        ["990240000415", "Гимназия", "12000", "2026-02-01"],
    ]


def fill(book: Path, rows: list[list[Any]]) -> None:
    """Type the rows below the headers of the first sheet and save the workbook, as a spreadsheet program does."""
    opened = openpyxl.load_workbook(book)
    sheet = opened.worksheets[0]
    for number, row in enumerate(rows, start=2):
        for column, value in enumerate(row, start=1):
            sheet.cell(number, column).value = value
    opened.save(book)


def sign_in(page: Page, portal: LivePortal) -> None:
    name, password = staff_account(portal)
    page.goto("/kk/user/login")
    page.locator("#field-login").fill(name)
    page.locator("#field-password").fill(password)
    page.locator(".sign-in-form button[type=submit]").click()


def described(page: Page, name: str, sample: Path) -> None:
    """The form of a new data set, its columns taken from a file."""
    page.goto("/kk/staff/datasets/new")
    page.locator("#f-uri").fill(name)
    for language, text in (("kk", "Балабақшаларға бөлінген қаржы"), ("ru", "Средства, выделенные детским садам")):
        page.locator(f"#f-title-{language}").fill(text)
        page.locator(f"#f-description-{language}").fill(f"{text}: БИН, 2026")
    page.locator("#f-owner").select_option(index=1)
    page.locator("#f-category").select_option("education")
    page.locator("#f-periodicity").select_option("MONTHLY")
    page.locator("#f-sample").set_input_files(sample)
    page.locator("button[name=take]").click()
    expect(page.locator('[name="columns.0.kk"]')).to_have_value("БСН")
    expect(page.locator('[name="columns.0.type"]')).to_have_value("string")
    expect(page.locator('[name="columns.2.type"]')).to_have_value("number")
    expect(page.locator('[name="columns.3.type"]')).to_have_value("date")
    page.locator("button[name=save]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Балабақшаларға бөлінген қаржы")


def wait_for_the_worker(page: Page) -> None:
    """Ask for the page again while it says that the file is being worked on; a minute at most."""
    again = page.get_by_role("link", name="Қайта қарау")
    for _ in range(240):
        if not again.is_visible():
            return
        page.wait_for_timeout(250)
        again.click()

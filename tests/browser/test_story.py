"""From the home page to a published version, by clicks and typing only; `./kzopen test pages` goes there in each language."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import now_in, staff_account
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Words:
    """What the reader of one language sees and types on the way."""

    language_link: str
    query: str
    title: str
    csv: str
    rows: str
    sign_in: str
    workstation: str
    data_sets: str
    upload: str
    upload_and_check: str
    look_again: str
    wrong: str
    corrected: str
    right: str
    publish: str
    published: str
    as_read: str
    version: str
    sign_out: str


STORIES = {
    "kk": Words(
        language_link="Қазақша",
        query="университет",
        title="Қазақстан университеттері қалалар бойынша",
        csv="CSV",
        rows="Алғашқы жолдар",
        sign_in="Кіру",
        workstation="Жұмыс орны",
        data_sets="Деректер жиындары",
        upload="Файл жүктеу",
        upload_and_check="Жүктеп, тексеру",
        look_again="Қайта қарау",
        wrong="Файлды түзету қажет",
        corrected="Түзетілген файлды жүктеу",
        right="Қате табылған жоқ. Кесте әлі жарияланбады.",
        publish="Жариялау",
        published="Кесте жарияланды",
        as_read="Оқырманға көрінетін түрі",
        version="{}-нұсқа",
        sign_out="Шығу",
    ),
    "ru": Words(
        language_link="Русский",
        query="координаты городов",
        title="Координаты городов Казахстана",
        csv="CSV",
        rows="Первые строки",
        sign_in="Войти",
        workstation="Рабочее место",
        data_sets="Наборы данных",
        upload="Загрузить файл",
        upload_and_check="Загрузить и проверить",
        look_again="Посмотреть ещё раз",
        wrong="Файл нужно исправить",
        corrected="Загрузить исправленный файл",
        right="Ошибок не найдено. Таблица ещё не опубликована.",
        publish="Опубликовать",
        published="Таблица опубликована",
        as_read="Как видят читатели",
        version="Версия {}",
        sign_out="Выйти",
    ),
    "en": Words(
        language_link="English",
        query="airports",
        title="Airport codes of Kazakhstan",
        csv="CSV",
        rows="First rows",
        sign_in="Log in",
        workstation="Workstation",
        data_sets="Data sets",
        upload="Upload a file",
        upload_and_check="Upload and check",
        look_again="Look again",
        wrong="The file needs correction",
        corrected="Upload the corrected file",
        right="No errors were found. The table is not published yet.",
        publish="Publish",
        published="The table is published",
        as_read="As readers see it",
        version="Version {}",
        sign_out="Log out",
    ),
}


def version_shown(page: Page, words: Words) -> int:
    """The number of the version that the page of a data set shows; other stories may have published more of them."""
    pattern = re.compile(words.version.format(r"(\d+)"))
    found = pattern.search(page.get_by_text(pattern).first.inner_text())
    assert found
    return int(found[1])


@pytest.mark.parametrize("language", now_in("kk"))
def test_a_visitor_finds_data_and_staff_publish_the_next_version(
    page: Page, portal: LivePortal, tmp_path: Path, language: str
) -> None:
    words = STORIES[language]
    page.goto("/")
    page.get_by_role("link", name=words.language_link).click()
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.locator("#hero-q").fill(words.query)
    page.locator("#hero-q").press("Enter")
    page.get_by_role("link", name=words.title).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(words.title)
    expect(page.get_by_role("heading", name=words.rows)).to_be_visible()
    before = version_shown(page, words)
    right, wrong = corrected_and_damaged(downloaded(page, words, tmp_path))

    page.get_by_role("link", name=words.sign_in, exact=True).first.click()
    name, password = staff_account(portal)
    page.locator("#field-login").fill(name)
    page.locator("#field-password").fill(password)
    page.locator(".sign-in-form button[type=submit]").click()
    page.get_by_role("banner").get_by_role("link", name=words.workstation).click()
    page.locator(".desk-nav").get_by_role("link", name=words.data_sets).click()
    page.get_by_role("main").get_by_role("link", name=words.title).first.click()
    page.get_by_role("link", name=words.upload).click()

    page.locator("input[type=file]").set_input_files(wrong)
    page.get_by_role("button", name=words.upload_and_check).click()
    wait_for_the_worker(page, words)
    expect(page.get_by_role("heading", level=1)).to_have_text(words.wrong)
    expect(page.locator("table.report tbody tr")).not_to_have_count(0)
    page.get_by_role("link", name=words.corrected).click()

    page.locator("input[type=file]").set_input_files(right)
    page.get_by_role("button", name=words.upload_and_check).click()
    wait_for_the_worker(page, words)
    expect(page.get_by_text(words.right)).to_be_visible()
    page.get_by_role("button", name=words.publish, exact=True).click()
    wait_for_the_worker(page, words)
    expect(page.get_by_role("heading", level=1)).to_have_text(words.published)

    page.get_by_role("link", name=words.as_read).click()
    expect(page.get_by_text(words.version.format(before + 1)).first).to_be_visible()
    expect(page.locator("#versions").locator("xpath=..").locator("tbody tr")).to_have_count(before + 1)
    page.get_by_role("button", name=words.sign_out).click()
    expect(page.get_by_role("link", name=words.sign_in, exact=True).first).to_be_visible()


def wait_for_the_worker(page: Page, words: Words) -> None:
    """Ask for the page again while it says that the file is being worked on; a minute at most."""
    again = page.get_by_role("link", name=words.look_again)
    for _ in range(240):
        if not again.is_visible():
            return
        page.wait_for_timeout(250)
        again.click()


def downloaded(page: Page, words: Words, folder: Path) -> Path:
    """The table as CSV, taken by the button of its page."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=words.csv, exact=True).click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


def corrected_and_damaged(table: Path) -> tuple[Path, Path]:
    """The table without its last row, to be published; and with a row too short, to be refused."""
    rows = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
    return written(table.with_name("right.csv"), rows[:-1]), written(table.with_name("wrong.csv"), [*rows, ["?"]])


def written(path: Path, rows: list[list[str]]) -> Path:
    """The rows as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path

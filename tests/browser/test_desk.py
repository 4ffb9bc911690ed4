"""The workstation by clicks and typing only: a task is decided; a system is registered and gets its token.

Each story runs in one of the languages; `./kzopen test pages` runs it in all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, now_in, width_of
from tests.conftest import LivePortal

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Words:
    """What the reader of one language clicks on the way."""

    workstation: str
    tasks: str
    data_sets: str
    title: str
    upload: str
    upload_and_check: str
    look_again: str
    right: str
    decide: str
    publish: str
    published: str
    systems: str
    register: str
    register_now: str
    issue: str
    copied: str


STORIES = {
    "kk": Words(
        workstation="Жұмыс орны",
        tasks="Менің тапсырмаларым",
        data_sets="Деректер жиындары",
        title="Қазақстан әуежайларының кодтары",
        upload="Файл жүктеу",
        upload_and_check="Жүктеп, тексеру",
        look_again="Қайта қарау",
        right="Қате табылған жоқ. Кесте әлі жарияланбады.",
        decide="Жариялау туралы шешім қабылдау",
        publish="Жариялау",
        published="Кесте жарияланды",
        systems="Ақпараттық жүйелер",
        register="Жүйені тіркеу",
        register_now="Жүйені тіркеу",
        issue="Токен беру",
        copied="Көшіріп алдым",
    ),
    "ru": Words(
        workstation="Рабочее место",
        tasks="Мои задачи",
        data_sets="Наборы данных",
        title="Коды аэропортов Казахстана",
        upload="Загрузить файл",
        upload_and_check="Загрузить и проверить",
        look_again="Посмотреть ещё раз",
        right="Ошибок не найдено. Таблица ещё не опубликована.",
        decide="Решить о публикации",
        publish="Опубликовать",
        published="Таблица опубликована",
        systems="Информационные системы",
        register="Зарегистрировать систему",
        register_now="Зарегистрировать систему",
        issue="Выпустить токен",
        copied="Я скопировал токен",
    ),
    "en": Words(
        workstation="Workstation",
        tasks="My tasks",
        data_sets="Data sets",
        title="Airport codes of Kazakhstan",
        upload="Upload a file",
        upload_and_check="Upload and check",
        look_again="Look again",
        right="No errors were found. The table is not published yet.",
        decide="Decide on the publication",
        publish="Publish",
        published="The table is published",
        systems="Information systems",
        register="Register a system",
        register_now="Register the system",
        issue="Issue a token",
        copied="I have copied it",
    ),
}


def sign_in(page: Page, portal: LivePortal, language: str) -> None:
    """Sign in as the administrator of the demonstration's agency."""
    page.goto(f"/{language}/user/login")
    page.locator("#field-login").fill("demo-admin")
    page.locator("#field-password").fill(portal.accounts["demo-admin"]["password"])
    page.locator(".sign-in-form button[type=submit]").click()
    expect(page.get_by_role("banner").get_by_role("link", name=STORIES[language].workstation)).to_be_visible()


def desk(page: Page, name: str) -> None:
    page.locator(".desk-nav").get_by_role("link", name=name, exact=True).click()


def wait_for_the_worker(page: Page, words: Words) -> None:
    again = page.get_by_role("link", name=words.look_again)
    for _ in range(240):
        if not again.is_visible():
            return
        page.wait_for_timeout(250)
        again.click()


@pytest.mark.parametrize("language", now_in("ru"))
def test_a_task_that_waits_is_decided(page: Page, portal: LivePortal, tmp_path: Path, language: str) -> None:
    words = STORIES[language]
    sign_in(page, portal, language)
    page.get_by_role("banner").get_by_role("link", name=words.workstation).click()
    desk(page, words.data_sets)
    page.get_by_role("main").get_by_role("link", name=words.title).first.click()
    table = tmp_path / "table.csv"
    uri = re.sub(r".*/datasets/", "", page.url)
    table.write_bytes(page.request.get(f"/data/{uri}.csv").body())
    page.get_by_role("link", name=words.upload).click()
    page.locator("input[type=file]").set_input_files(table)
    page.get_by_role("button", name=words.upload_and_check).click()
    wait_for_the_worker(page, words)
    expect(page.get_by_text(words.right)).to_be_visible()

    desk(page, words.tasks)
    waiting = page.locator(".task-list li", has_text=words.decide).filter(has_text=words.title).last
    waiting.get_by_role("link").first.click()
    page.get_by_role("button", name=words.publish, exact=True).click()
    wait_for_the_worker(page, words)

    expect(page.get_by_role("heading", level=1)).to_have_text(words.published)


@pytest.mark.parametrize("language", now_in("en"))
def test_a_system_is_registered_and_its_token_is_shown_once(page: Page, portal: LivePortal, language: str) -> None:
    words, name = STORIES[language], f"Жүйе {uuid4().hex[:6]}"
    sign_in(page, portal, language)
    page.goto(f"/{language}/staff/")
    desk(page, words.systems)
    page.get_by_role("main").get_by_role("link", name=words.register).click()
    page.locator("#f-name").fill(name)
    page.locator("#f-bin").fill("000140000012")
    page.locator("#f-contact").fill("Деректер бөлімі")
    page.locator("#f-email").fill("data@example.org")
    page.locator("#f-all").check()
    page.get_by_role("button", name=words.register_now).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)

    page.set_viewport_size(NARROW)
    widths = [width_of(page)]
    page.get_by_role("link", name=words.issue).click()
    widths.append(width_of(page))
    for power in ("replace", "delete", "passport"):
        page.locator(f"#f-may-{power}").uncheck()
    page.get_by_role("button", name=words.issue).click()
    widths.append(width_of(page))
    secret = page.locator("#the-token").inner_text()
    assert secret.startswith("kzs_")
    page.get_by_role("link", name=words.copied).click()

    expect(page.locator(".task code", has_text=secret[:12])).to_be_visible()
    assert [*widths, width_of(page)] == [NARROW["width"]] * 4
    assert secret not in page.content()
    answer = page.request.get("/api/universal/v1/datasets/demo-airports", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 200
    refused = page.request.post("/api/universal/v1/datasets/demo-airports/rows", headers={"Authorization": secret})
    assert (refused.status, refused.json()["code"]) == (403, "systems.wrong_mode")


def test_a_shortcut_leads_to_my_tasks_but_not_while_typing(page: Page, portal: LivePortal) -> None:
    sign_in(page, portal, "en")
    page.goto("/en/staff/search")
    page.locator("#staff-q").focus()
    page.keyboard.press("Alt+Shift+Digit1")
    expect(page).to_have_url(re.compile("/staff/search"))

    page.locator("#staff-q").blur()
    page.keyboard.press("Alt+Shift+Digit1")

    expect(page.get_by_role("heading", level=1)).to_have_text("My tasks")

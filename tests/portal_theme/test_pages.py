"""Pages of the theme that need no content: errors, about, sign in; each in the reader's language."""

from __future__ import annotations

import re
from typing import Any

import ckan.plugins.toolkit as tk
import pytest

from portal_theme.catalogue import kz_has_page
from tests.portal_theme.conftest import Reader

TITLES = {
    403: {
        "kk": "Бұл бетті көруге құқығыңыз жоқ",
        "ru": "У вас нет права видеть эту страницу",
        "en": "You have no right to see this page",
    },
    404: {"kk": "Мұндай бет жоқ", "ru": "Такой страницы нет", "en": "There is no such page"},
    500: {"kk": "Біздің тараптан қате шықты", "ru": "Ошибка на нашей стороне", "en": "An error on our side"},
    503: {"kk": "Портал дайын емес", "ru": "Портал не готов", "en": "The portal is not ready"},
}


@pytest.mark.parametrize("code", TITLES)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_an_error_says_in_the_reader_s_language_what_happened(reading: Reader, code: int, language: str) -> None:
    with reading(language):
        page = tk.render("error_document_template.html", {"code": code, "name": "Name", "content": "Words"})
    assert f"<h1>{TITLES[code][language]}</h1>" in page


def test_ckan_s_form_of_an_unexpected_error_is_understood(reading: Reader) -> None:
    with reading("ru"):
        page = tk.render("error_document_template.html", {"code": [500], "content": "Internal server error"})
    assert "<h1>Ошибка на нашей стороне</h1>" in page
    assert "Internal server error" not in page


def test_a_page_that_is_missing_is_answered_404_with_a_search_box(app: Any) -> None:
    answer = app.get("/kk/there-is-nothing", status=404)
    assert 'name="q"' in answer.body
    assert "Мұндай бет жоқ" in answer.body


@pytest.mark.parametrize(("language", "heading"), [("kk", "Портал туралы"), ("ru", "О портале"), ("en", "About")])
def test_the_page_about_the_portal_is_in_the_reader_s_language(app: Any, language: str, heading: str) -> None:
    answer = app.get(f"/{language}/about")
    assert f'<html lang="{language}"' in answer.body
    assert f"<h1>{heading}</h1>" in answer.body


def test_links_lead_only_where_some_plugin_answers(reading: Reader) -> None:
    with reading("en"):
        assert kz_has_page("/dataset/")
        assert kz_has_page("/dataset")
        assert not kz_has_page("/regulations")


def test_nothing_is_fetched_from_other_sites(app: Any) -> None:
    tags = re.findall(r"<(?:script|img|link)\b[^>]*>", app.get("/en/user/login").body)
    fetched = [tag for tag in tags if "<link" not in tag or re.search(r'rel="(?:stylesheet|icon|preload)"', tag)]
    addresses = [address for tag in fetched for address in re.findall(r'(?:src|href)="([^"]*)"', tag)]
    assert len(addresses) >= 5
    assert [address for address in addresses if not re.match(r"/(?!/)", address)] == []

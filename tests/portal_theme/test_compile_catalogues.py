"""The catalogues that a portal is given at its set-up."""

from __future__ import annotations

import gettext
import time
from pathlib import Path

import pytest

from portal_theme.languages import DOMAIN
from portal_theme.messages import compile_catalogues


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `ckan.i18n_directory` names it."""
    target = tmp_path_factory.mktemp("i18n")
    compile_catalogues(target)
    return target


def translation(built: Path, language: str, domain: str = "ckan") -> gettext.GNUTranslations:
    """What gettext finds in a built folder."""
    return gettext.translation(domain, built, [language])


@pytest.mark.parametrize(("language", "words"), [("kk", "Деректер жиындары"), ("ru", "Наборы данных"), ("en", "Datasets")])
def test_each_language_has_ckan_s_words(built: Path, language: str, words: str) -> None:
    assert translation(built, language).gettext("Datasets") == words


def test_russian_keeps_what_ckan_ships_and_gets_what_it_lacks(built: Path) -> None:
    russian = translation(built, "ru")
    assert russian.gettext("Log in") == "Войти"
    assert russian.gettext("Skip to main content") == "Перейти к основному содержанию"


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "Найден 1 набор данных."), (3, "Найдено 3 набора данных."), (25, "Найдено 25 наборов данных.")],
)
def test_russian_counts_in_three_forms(built: Path, number: int, words: str) -> None:
    forms = translation(built, "ru").ngettext("%(count)s dataset found.", "%(count)s datasets found.", number)
    assert forms % {"count": number} == words


def test_our_own_strings_lie_beside_ckan_s(built: Path) -> None:
    assert translation(built / "ours", "kk", DOMAIN).gettext("Workstation") == "Жұмыс орны"


def test_a_second_run_changes_nothing_and_is_quick(built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*") if path.is_file()}
    started = time.perf_counter()
    compile_catalogues(built)
    assert time.perf_counter() - started < 3
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*") if path.is_file()} == before


def test_a_damaged_catalogue_is_mended(built: Path) -> None:
    damaged = built / "kk" / "LC_MESSAGES" / "ckan.mo"
    damaged.write_bytes(b"")
    compile_catalogues(built)
    assert translation(built, "kk").gettext("Search") == "Іздеу"

"""Words, numbers and dates as templates ask for them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ckanext.kzopen.core.people.levels.views import last_moment

from portal_theme.reader import (
    kz_date,
    kz_lang,
    kz_last_day,
    kz_money,
    kz_notes,
    kz_number,
    kz_size,
    kz_text,
    kz_title,
    kz_words,
)
from tests.portal_theme.conftest import Reader

RIVERS = {"kk": "Өзендер", "ru": "Реки"}


def test_a_text_is_given_in_the_reader_s_language(reading: Reader) -> None:
    with reading("ru"):
        assert kz_text(RIVERS) == "Реки"
        assert kz_words(RIVERS) == "Реки"


def test_a_text_of_another_language_says_which(reading: Reader) -> None:
    with reading("en"):
        assert kz_lang(RIVERS) == "kk"
        assert kz_words(RIVERS) == '<span lang="kk">Өзендер</span>'


def test_words_from_outside_cannot_bring_markup(reading: Reader) -> None:
    with reading("kk"):
        assert kz_words({"ru": "<b>Реки</b>"}) == '<span lang="ru">&lt;b&gt;Реки&lt;/b&gt;</span>'


def test_a_title_falls_back_to_the_plain_one_and_the_name() -> None:
    assert kz_title({"name": "rivers", "title": "Rivers", "title_translated": {"kk": ""}}) == "Rivers"
    assert kz_title({"name": "rivers", "title": ""}) == "rivers"
    assert kz_notes({"notes": None}) == ""


@pytest.mark.parametrize(
    ("language", "number", "money", "size"),
    [
        ("kk", "1 234 567,5", "1 234,50 ₸", "1,5 МБ"),
        ("ru", "1 234 567,5", "1 234,50 ₸", "1,5 МБ"),
        ("en", "1,234,567.5", "₸1,234.50", "1.5 MB"),
    ],
)
def test_numbers_have_the_reader_s_form(reading: Reader, language: str, number: str, money: str, size: str) -> None:
    with reading(language):
        told = (kz_number(1234567.5), kz_money(1234.5), kz_size(1_500_000))
    assert tuple(text.replace("\N{NO-BREAK SPACE}", " ") for text in told) == (number, money, size)


def test_what_is_not_known_is_a_dash_or_nothing(reading: Reader) -> None:
    with reading("ru"):
        assert (kz_number(None), kz_money(None), kz_size(None), kz_date(None)) == ("–", "–", "", "")


def test_a_moment_is_told_in_astana_s_zone(reading: Reader) -> None:
    with reading("en"):
        told = kz_date("2026-03-05T20:30:00", short=True, time=True)
    assert told == '<time datetime="2026-03-06T01:30:00+05:00">6 Mar 2026, 01:30</time>'


def test_the_day_of_a_moment_is_astana_s_and_a_day_stays_what_it_is(reading: Reader) -> None:
    late = datetime(2026, 3, 5, 20, 30, tzinfo=UTC)
    with reading("en"):
        days = [kz_date(value, short=True) for value in ("2026-03-05T20:30:00", late, "2026-03-05", late.date())]
    assert [day.striptags() for day in days] == ["6 Mar 2026", "6 Mar 2026", "5 Mar 2026", "5 Mar 2026"]


def test_what_ends_at_midnight_lasts_until_the_day_before(reading: Reader) -> None:
    midnight = last_moment("2026-12-31")
    assert midnight is not None
    with reading("en"):
        days = [kz_last_day(value, short=True) for value in (midnight, midnight.isoformat(), datetime(2026, 3, 5, 9), None)]
    assert [day.striptags() for day in days] == ["31 Dec 2026", "31 Dec 2026", "5 Mar 2026", ""]

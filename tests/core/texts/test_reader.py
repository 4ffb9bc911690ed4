"""Numbers, money, sizes and dates in the reader's form. No-break spaces are written out as \\xa0."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from ckanext.kzopen.core.texts import day, moment, money, number, percent, reader_form, size


@pytest.mark.parametrize(
    ("language", "text"),
    [("kk", "1\xa0234\xa0567,5"), ("ru", "1\xa0234\xa0567,5"), ("en", "1,234,567.5"), ("de", "1,234,567.5")],
)
def test_a_number_is_grouped(language: str, text: str) -> None:
    assert number(1234567.5, language) == text


@pytest.mark.parametrize(
    ("value", "language", "text"),
    [
        (1234, "kk", "1\xa0234\xa0₸"),
        (Decimal("1234.5"), "ru", "1\xa0234,50\xa0₸"),
        (1234.5, "en", "₸1,234.50"),
        (-7, "en", "-₸7"),
    ],
)
def test_money_is_tenge(value: float | Decimal, language: str, text: str) -> None:
    assert money(value, language) == text


@pytest.mark.parametrize(
    ("octets", "language", "text"),
    [
        (0, "kk", "0\xa0байт"),
        (999, "en", "999\xa0bytes"),
        (1_000, "ru", "1\xa0КБ"),
        (1_550_000, "kk", "1,6\xa0МБ"),
        (999_960, "en", "1\xa0MB"),
        (3 * 10**15, "ru", "3\xa0000\xa0ТБ"),
    ],
)
def test_a_size_is_told_in_its_largest_unit(octets: int, language: str, text: str) -> None:
    assert size(octets, language) == text


def test_no_latin_letter_hides_in_a_unit() -> None:
    assert size(10**6, "kk").isascii() is False
    assert not any("A" <= letter <= "z" for octets in (1, 10**3, 10**6, 10**9, 10**12) for letter in size(octets, "kk"))


@pytest.mark.parametrize(
    ("language", "long", "short"),
    [
        ("kk", "2026\xa0ж. 5 наурыз", "05.03.2026"),
        ("ru", "5 марта 2026\xa0г.", "05.03.2026"),
        ("en", "5 March 2026", "5 Mar 2026"),
    ],
)
def test_a_date_is_written_as_the_reader_writes_it(language: str, long: str, short: str) -> None:
    assert day(date(2026, 3, 5), language) == long
    assert day(date(2026, 3, 5), language, short=True) == short


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 3, 5, 20, 0, tzinfo=UTC), "06.03.2026, 01:00"),
        (datetime(2026, 3, 5, 20, 0), "06.03.2026, 01:00"),
        (datetime(2023, 3, 5, 20, 0, tzinfo=UTC), "06.03.2023, 02:00"),
    ],
)
def test_a_moment_is_told_in_astana_time(at: datetime, text: str) -> None:
    assert moment(at, "ru", short=True) == text


def test_a_share_is_told_as_per_cent() -> None:
    assert [percent(0.2564, language) for language in ("kk", "ru", "en")] == ["25,6\xa0%", "25,6\xa0%", "25.6%"]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1234, "", "1\xa0234"),
        (1234, "money", "1\xa0234\xa0₸"),
        (15_000_000, "size", "15\xa0МБ"),
        (date(2026, 3, 5), "short", "05.03.2026"),
        ({"kk": "қ", "ru": "р"}, "", "р"),
        (["a", 2], "", "a, 2"),
        (True, "", "True"),
        ("2024", "", "2024"),
    ],
)
def test_any_value_is_told_in_the_readers_form(value: object, form: str, text: str) -> None:
    assert reader_form(value, "ru", form) == text

"""Numbers, money, sizes and dates in the form that a reader of kk, ru or en expects; times are told in Astana's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from ckanext.kzopen.core.texts.multilingual import LANGUAGES, in_language, primary

ASTANA = ZoneInfo("Asia/Almaty")
"""One zone for the whole country since 1 March 2024: UTC+5; earlier times are told as they were in Almaty."""

_LOCALES = {"kk": "kk", "ru": "ru", "en": "en_GB"}
# Babel's Kazakh unit names mix Latin M and T with Cyrillic letters, and its Russian and English money lacks the sign ₸.
_SIZES = {
    "kk": ("байт", "КБ", "МБ", "ГБ", "ТБ"),
    "ru": ("байт", "КБ", "МБ", "ГБ", "ТБ"),
    "en": ("bytes", "kB", "MB", "GB", "TB"),
}
_SHORT_DATES = {"kk": "dd.MM.yyyy", "ru": "dd.MM.yyyy", "en": "d MMM yyyy"}
NO_BREAK = "\N{NO-BREAK SPACE}"


def _known(language: str) -> str:
    known = primary(language)
    return known if known in LANGUAGES else "en"


def number(value: float | Decimal, language: str, places: int | None = None) -> str:
    """`1 234 567,5`; at most six decimal places are told, or exactly `places`."""
    decimals = "#" * 6 if places is None else "0" * places
    return format_decimal(value, format=f"#,##0.{decimals}" if decimals else "#,##0", locale=_LOCALES[_known(language)])


def percent(value: float | Decimal, language: str, places: int = 1) -> str:
    """A share of one as per cent: 0.256 is `25,6 %`."""
    text = format_decimal(value * 100, format=f"#,##0.{'#' * places}", locale=_LOCALES[_known(language)])
    return f"{text}%" if _known(language) == "en" else f"{text}{NO_BREAK}%"


def money(value: float | Decimal, language: str) -> str:
    """Tenge: `1 234,50 ₸`, in English `₸1,234.50`; tiyn are told only where there are some."""
    text = number(value, language, places=0 if value == int(value) else 2)
    if _known(language) != "en":
        return f"{text}{NO_BREAK}₸"
    return f"-₸{text[1:]}" if text.startswith("-") else f"₸{text}"


def size(octets: int, language: str) -> str:
    """Bytes in units of 1000 with one decimal place: `1,5 МБ`."""
    value, unit = float(octets), 0
    while value >= 999.95 and unit < 4:
        value, unit = value / 1000, unit + 1
    text = number(round(value, 1) if unit else octets, language)
    return f"{text}{NO_BREAK}{_SIZES[_known(language)][unit]}"


def day(value: date, language: str, *, short: bool = False) -> str:
    """`2026 ж. 5 наурыз`, `5 марта 2026 г.`, `5 March 2026`; short `05.03.2026`, in English `5 Mar 2026`.

    Of a moment the day in Astana is told.
    """
    known = _known(language)
    value = in_astana(value).date() if isinstance(value, datetime) else value
    text = format_date(value, format=_SHORT_DATES[known] if short else "long", locale=_LOCALES[known])
    return text.replace("\N{NARROW NO-BREAK SPACE}", NO_BREAK)


def moment(value: datetime, language: str, *, short: bool = False) -> str:
    """Date and time of day in Astana's zone, `05.03.2026, 14:30`."""
    local = in_astana(value)
    return f"{day(local, language, short=short)}, {format_time(local, 'HH:mm', locale='en_GB', tzinfo=ASTANA)}"


def in_astana(value: datetime) -> datetime:
    """The moment on Astana's clocks; a time without a zone is UTC, as CKAN stores it."""
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(ASTANA)


def reader_form(value: Any, language: str, form: str = "") -> str:
    """Any value as the reader of `language` expects it; `form` is `size`, `money`, `percent` or `short` (dates)."""
    named = {"size": size, "money": money, "percent": percent}
    if form in named:
        return named[form](value, language)
    if isinstance(value, Mapping):
        return in_language(value, language)
    if isinstance(value, datetime):
        return moment(value, language, short=form == "short")
    if isinstance(value, date):
        return day(value, language, short=form == "short")
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(reader_form(item, language, form) for item in value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return number(value, language)
    return str(value)

"""Words of the calendar and of the explanations of dates, in three languages."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from ckanext.kzopen.core.texts import Words, day

WEEKEND: dict[int, Words] = {
    5: {"kk": "сенбі", "ru": "суббота", "en": "Saturday"},
    6: {"kk": "жексенбі", "ru": "воскресенье", "en": "Sunday"},
}
WORKING_WEEKEND: Words = {
    "kk": "демалыс күні жұмыс күніне ауыстырылған",
    "ru": "выходной день объявлен рабочим",
    "en": "a day of rest decreed to be a working day",
}
DAY_OFF_MOVED: Words = {
    "kk": "ауыстырылған демалыс күні",
    "ru": "перенесённый выходной день",
    "en": "a day of rest moved here by decree",
}
UNITS: dict[str, Words] = {
    "working_days": {"kk": "жұмыс күні", "ru": "рабочих дней", "en": "working days"},
    "calendar_days": {"kk": "күнтізбелік күн", "ru": "календарных дней", "en": "calendar days"},
    "months": {"kk": "ай", "ru": "месяцев", "en": "months"},
    "hours": {"kk": "сағат", "ru": "часов", "en": "hours"},
}
_RUSSIAN = {
    "working_days": ("рабочий день", "рабочих дня", "рабочих дней"),
    "calendar_days": ("календарный день", "календарных дня", "календарных дней"),
    "months": ("месяц", "месяца", "месяцев"),
    "hours": ("час", "часа", "часов"),
}


def each(sentence: Callable[[str], str]) -> Words:
    """A text made for each language in turn."""
    return {"kk": sentence("kk"), "ru": sentence("ru"), "en": sentence("en")}


def observed(name: Words) -> Words:
    return {
        "kk": f"{name['kk']} (ауыстырылған демалыс)",
        "ru": f"{name['ru']} (перенос выходного)",
        "en": f"{name['en']} (observed)",
    }


def expected(name: Words) -> Words:
    return {
        "kk": f"{name['kk']} (болжамды күні)",
        "ru": f"{name['ru']} (ожидаемая дата)",
        "en": f"{name['en']} (expected date)",
    }


def moved_from(work: datetime.date) -> Words:
    """Why a weekday is a day of rest: the rest was moved from `work`."""
    return {
        "kk": f"демалыс күні ауыстырылған ({day(work, 'kk', short=True)} орнына)",
        "ru": f"выходной перенесён с {day(work, 'ru', short=True)}",
        "en": f"day of rest moved from {day(work, 'en', short=True)}",
    }


def moved_to(off: datetime.date) -> Words:
    """Why a Saturday or Sunday is worked: its rest was moved to `off`."""
    return {
        "kk": f"жұмыс күні ({day(off, 'kk', short=True)} орнына)",
        "ru": f"рабочий день вместо {day(off, 'ru', short=True)}",
        "en": f"worked instead of {day(off, 'en', short=True)}",
    }


def length(count: int, unit: str, language: str) -> str:
    """`15 жұмыс күні`, `2 рабочих дня`, `1 hour`."""
    if language == "ru":
        return f"{count} {_RUSSIAN[unit][_russian_form(count)]}"
    name = UNITS[unit]["kk" if language == "kk" else "en"]
    return f"{count} {name.removesuffix('s') if language == 'en' and count == 1 else name}"


def _russian_form(count: int) -> int:
    if count % 10 == 1 and count % 100 != 11:
        return 0
    return 1 if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else 2


SENTENCES: dict[str, Words] = {
    "start": {
        "kk": "Басталуы: {}; бұл күн есептелмейді.",
        "ru": "Начало: {}; этот день не считается.",
        "en": "Start: {}; this day does not count.",
    },
    "clock": {"kk": "Басталуы: {}.", "ru": "Начало: {}.", "en": "Start: {}."},
    "length": {"kk": "Мерзімі: {} ({}).", "ru": "Срок: {} ({}).", "en": "Term: {} ({})."},
    "skipped": {"kk": "Есепке кірмеген күндер: {}.", "ru": "Не считаются: {}.", "en": "Days that do not count: {}."},
    "last": {
        "kk": "Соңғы күні: {}, сағат 24:00-ге дейін (Астана уақыты).",
        "ru": "Последний день: {}, до 24:00 по времени Астаны.",
        "en": "Last day: {}, until 24:00 Astana time.",
    },
    "end": {"kk": "Аяқталуы: {} (Астана уақыты).", "ru": "Окончание: {} по времени Астаны.", "en": "End: {} Astana time."},
    "unverified": {
        "kk": "Мерзім заң мәтінімен салыстырылмаған.",
        "ru": "Срок не сверен с текстом закона.",
        "en": "The term has not been checked against the text of the law.",
    },
}

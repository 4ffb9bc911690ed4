"""Working days of Kazakhstan, and why a day is off."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ckanext.kzopen.core.law import kazakhstan, load_calendar
from ckanext.kzopen.core.yaml_source import SourceError


@pytest.mark.parametrize(
    ("day", "working", "why"),
    [
        (date(2026, 3, 4), True, None),
        (date(2026, 3, 7), False, "суббота"),
        (date(2026, 3, 8), False, "Международный женский день"),
        (date(2026, 3, 9), False, "Международный женский день (перенос выходного)"),
        (date(2026, 3, 25), False, "Наурыз мейрамы (перенос выходного)"),
        (date(2024, 5, 8), False, "выходной перенесён с 04.05.2024"),
        (date(2024, 5, 4), True, "рабочий день вместо 08.05.2024"),
        (date(2025, 1, 5), True, "рабочий день вместо 03.01.2025"),
        (date(2021, 7, 5), False, "перенесённый выходной день"),
        (date(2021, 7, 3), True, "выходной день объявлен рабочим"),
        (date(2025, 8, 30), False, "День Конституции Республики Казахстан"),
        (date(2026, 8, 30), False, "воскресенье"),
    ],
)
def test_a_day_says_whether_it_is_worked_and_why(day: date, working: bool, why: str | None) -> None:
    found = kazakhstan().day(day)
    assert (found.working, found.why and found.why["ru"]) == (working, why)


def test_every_holiday_of_these_years_has_its_name_in_three_languages() -> None:
    days = [kazakhstan().day(date.fromordinal(n)) for n in range(date(2016, 1, 1).toordinal(), date(2031, 1, 1).toordinal())]
    unnamed = {day.why["kk"] for day in days if day.why and day.why["kk"] == day.why["ru"] != "Наурыз мейрамы"}
    assert unnamed == set()


def test_a_moon_holiday_of_the_future_is_unverified() -> None:
    day = kazakhstan().day(date(2026, 5, 27))
    assert not day.verified
    assert day.why == {
        "kk": "Құрбан айт (болжамды күні)",
        "ru": "Курбан-айт (ожидаемая дата)",
        "en": "Qurban Ait (expected date)",
    }


def test_the_year_2026_has_247_working_days_in_a_five_day_week() -> None:
    days = [date.fromordinal(n) for n in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal())]
    assert sum(kazakhstan().is_working(day) for day in days) == 247


def test_a_transfer_from_a_weekday_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "kz.yaml"
    path.write_text(
        "week: [monday]\nsource: law\ntransfers:\n  - {off: 2026-01-05, work: 2026-01-06, source: decree, verified: no}\n"
    )
    with pytest.raises(SourceError, match=r"kz\.yaml:4: transfers\.0: .*2026-01-06 is not a Saturday or Sunday"):
        load_calendar(path)


def test_a_decreed_day_wins_over_the_library(tmp_path: Path) -> None:
    path = tmp_path / "kz.yaml"
    path.write_text(
        "week: [monday, tuesday, wednesday, thursday, friday]\nsource: law\ndays:\n"
        "  - {date: 2026-12-16, working: yes, name: {kk: жұмыс, ru: рабочий, en: worked}, source: decree, verified: no}\n"
    )
    day = load_calendar(path).day(date(2026, 12, 16))
    assert (day.working, day.verified) == (True, False)

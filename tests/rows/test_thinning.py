"""Of minute-by-minute versions one a day stays, later one a month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from ckanext.kzopen.core.yaml_source import SourceError
from ckanext.kzopen.rows.thinning import Rule, load, load_rules, too_many

RULES = (Rule(after_days=7, keep_one_a="day"), Rule(after_days=730, keep_one_a="month"))
TODAY = date(2026, 6, 20)


def every(step: timedelta, start: datetime, count: int) -> list[tuple[int, datetime]]:
    return [(n + 1, start + n * step) for n in range(count)]


def test_of_the_versions_of_an_old_day_the_last_one_stays() -> None:
    made = every(timedelta(minutes=1), datetime(2026, 6, 1, 4, 0, tzinfo=UTC), 600)
    assert too_many(made, RULES, TODAY) == set(range(1, 599))  # 600 is the newest, and 599 the last of the others


def test_a_day_is_one_of_astana() -> None:
    # 18:59 and 19:00 UTC are 23:59 and 0:00 in Astana.
    made = [(1, datetime(2026, 6, 1, 18, 59, tzinfo=UTC)), (2, datetime(2026, 6, 1, 19, 0, tzinfo=UTC))]
    assert too_many([*made, (3, datetime(2026, 6, 19, tzinfo=UTC))], RULES, TODAY) == set()


def test_versions_of_the_last_days_stay() -> None:
    made = every(timedelta(minutes=1), datetime(2026, 6, 14, tzinfo=UTC), 100)
    assert too_many(made, RULES, TODAY) == set()


def test_after_two_years_one_a_month_stays() -> None:
    made = every(timedelta(days=1), datetime(2024, 1, 1, 6, 0, tzinfo=UTC), 60)
    kept = {number for number, _ in made} - too_many(made, RULES, TODAY)
    assert kept == {31, 59, 60}  # the last of January, the last of February but the newest, the newest


def test_the_rules_of_the_portal_can_be_read() -> None:
    assert (load_rules(), load().every_night) == (RULES, False)


def test_a_rule_for_today_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "versions.yaml"
    file.write_text("every_night: no\nthinning:\n  - {after_days: 0, keep_one_a: day}\n")
    with pytest.raises(SourceError, match=r"versions\.yaml:3: versions of today"):
        load_rules(file)

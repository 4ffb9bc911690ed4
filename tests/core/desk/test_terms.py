"""How near the end of a term is: by the calendar of working days."""

from __future__ import annotations

from datetime import date

import pytest
from ckanext.kzopen.core.desk.registry import Task
from ckanext.kzopen.core.desk.terms import by_term, nearness

FRIDAY = date(2026, 3, 20)
"""Before the longest days off of the year: 21–23 March is Nauryz, observed until the 25th."""


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (date(2026, 3, 19), "overdue"),
        (FRIDAY, "today"),
        (date(2026, 3, 26), "week"),
        (date(2026, 4, 1), "week"),
        (date(2026, 4, 2), "later"),
        (None, "none"),
    ],
)
def test_a_week_is_five_working_days_whatever_holidays_lie_between(due: date | None, expected: str) -> None:
    assert nearness(due, FRIDAY) == expected


def test_tasks_are_told_from_the_longest_overdue_to_those_without_a_term() -> None:
    kind = {"en": "Answer"}
    days = [None, date(2026, 5, 1), date(2026, 3, 1), FRIDAY, date(2026, 2, 1)]

    groups = by_term([Task(str(day), "/staff", kind, due=day) for day in days], FRIDAY)

    assert [(group.nearness, [task.title for task in group.tasks]) for group in groups] == [
        ("overdue", ["2026-02-01", "2026-03-01"]),
        ("today", ["2026-03-20"]),
        ("later", ["2026-05-01"]),
        ("none", ["None"]),
    ]

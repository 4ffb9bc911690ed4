"""How near the end of a term is, told by one of five words; pages show the word, and its colour beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ckanext.kzopen.core.desk.registry import Task
from ckanext.kzopen.core.law.calendar import Calendar, kazakhstan

NEARNESS = ("overdue", "today", "week", "later", "none")
WEEK = 5  # working days


def nearness(due: date | None, today: date, calendar: Calendar | None = None) -> str:
    """One of NEARNESS. `week` is the next five working days; a term whose last day is today can still be kept."""
    if due is None:
        return "none"
    if due <= today:
        return "today" if due == today else "overdue"
    return "week" if due <= _working_days_on(today, WEEK, calendar or kazakhstan()) else "later"


def _working_days_on(start: date, count: int, calendar: Calendar) -> date:
    last = start
    while count:
        last += timedelta(days=1)
        count -= calendar.is_working(last)
    return last


@dataclass(frozen=True)
class Group:
    """Tasks of one nearness, the most urgent first."""

    nearness: str
    tasks: tuple[Task, ...]


def by_term(tasks: Iterable[Task], today: date, calendar: Calendar | None = None) -> list[Group]:
    """The tasks in groups from overdue to those without a term; a nearness without tasks is left out."""
    found: dict[str, list[Task]] = {name: [] for name in NEARNESS}
    for task in tasks:
        found[nearness(task.due, today, calendar)].append(task)
    return [Group(name, tuple(sorted(group, key=_urgency))) for name, group in found.items() if group]


def _urgency(task: Task) -> tuple[date, float]:
    """By the last day, then by how long it waits."""
    since: datetime | None = task.since
    return task.due or date.max, since.timestamp() if since else float("inf")

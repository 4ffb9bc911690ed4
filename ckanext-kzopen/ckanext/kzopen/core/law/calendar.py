"""Which day is a working day in Kazakhstan, and why a day is not.

Holidays come from the library `holidays` (five-day week, observed days included); `schemas/calendars/kz.yaml` overrides it
with decreed transfers and working Saturdays. Dates that follow the moon are marked unverified until they are confirmed.
"""

from __future__ import annotations

import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import MinLen
from ckanext.kzopen.core.law import words
from ckanext.kzopen.core.texts import Words, in_language
from ckanext.kzopen.core.yaml_source import Source, read, schemas
from pydantic import model_validator

if TYPE_CHECKING:
    from holidays import HolidayBase

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Day(Source):
    """One date: `why` tells what makes it a day off or a decreed working day; None is an ordinary working day."""

    date: datetime.date
    working: bool
    why: Words | None = None
    weekend: bool = False
    verified: bool = True


class Transfer(Source):
    """A day of rest moved by decree from `work` to `off`."""

    off: datetime.date
    work: datetime.date
    source: Annotated[str, MinLen(1)]
    verified: bool

    @model_validator(mode="after")
    def _on_a_weekend(self) -> Transfer:
        if self.work.weekday() < 5:
            raise ValueError(f"{self.work} is not a Saturday or Sunday")
        return self


class DecreedDay(Source):
    """A single day that a decree makes working or not."""

    date: datetime.date
    working: bool
    name: Words
    source: Annotated[str, MinLen(1)]
    verified: bool


class CalendarFile(Source):
    """What `schemas/calendars/<country>.yaml` holds."""

    week: tuple[Weekday, ...]
    source: str
    transfers: tuple[Transfer, ...] = ()
    days: tuple[DecreedDay, ...] = ()
    names: tuple[Words, ...] = ()


class Calendar:
    """Working days of one country; `day` explains any date from 1991 to 2100."""

    def __init__(self, file: CalendarFile) -> None:
        self._week = {WEEKDAYS.index(name) for name in file.week}
        self._names = {names["kk"]: names for names in file.names}
        self._decreed = {day.date: day for day in _decreed(file)}

    @cached_property
    def _holidays(self) -> HolidayBase:
        """Loaded with the first date: the library brings the calendars of all countries, half a second of any start."""
        from holidays.countries.kazakhstan import Kazakhstan

        return Kazakhstan(language="kk")

    def day(self, date: datetime.date) -> Day:
        if decreed := self._decreed.get(date):
            return Day(date=date, working=decreed.working, why=decreed.name, verified=decreed.verified)
        if name := self._holidays.get(date):
            return self._holiday(date, name)
        if date.weekday() in self._week:
            return Day(date=date, working=True)
        if date in self._holidays.weekend_workdays:
            return Day(date=date, working=True, why=words.WORKING_WEEKEND)
        return Day(date=date, working=False, why=words.WEEKEND[date.weekday()], weekend=True)

    def is_working(self, date: datetime.date) -> bool:
        return self.day(date).working

    def next_working(self, date: datetime.date) -> datetime.date:
        """`date` itself when it is a working day, else the first one after it."""
        while not self.is_working(date):
            date += datetime.timedelta(days=1)
        return date

    def _holiday(self, date: datetime.date, name: str) -> Day:
        """The library joins holidays of one day by "; " and marks observed and estimated ones in their names."""
        parts = [self._named(part) for part in name.split("; ")]
        why = words.each(lambda language: "; ".join(in_language(part, language) for part in parts))
        return Day(date=date, working=False, why=why, verified="бағаланған" not in name)

    def _named(self, name: str) -> Words:
        base, _, mark = name.partition(" (")
        known = self._names.get(base) or Words(kk=base, ru=base, en=base)
        if base == "Демалыс күні":
            return words.DAY_OFF_MOVED
        if "қайта белгіленген" in mark:
            return words.observed(known)
        return words.expected(known) if mark else known


def _decreed(file: CalendarFile) -> list[DecreedDay]:
    """Transfers as pairs of decreed days, then the single days, which win."""
    days: list[DecreedDay] = []
    for transfer in file.transfers:
        days.append(_decreed_day(transfer, transfer.off, words.moved_from(transfer.work), working=False))
        days.append(_decreed_day(transfer, transfer.work, words.moved_to(transfer.off), working=True))
    return [*days, *file.days]


def _decreed_day(transfer: Transfer, date: datetime.date, name: Words, *, working: bool) -> DecreedDay:
    return DecreedDay(date=date, working=working, name=name, source=transfer.source, verified=transfer.verified)


def load_calendar(path: Path) -> Calendar:
    """The calendar of one file; raises SourceError."""
    file, _document = read(path, CalendarFile)
    return Calendar(file)


@lru_cache(maxsize=1)
def kazakhstan() -> Calendar:
    """The calendar of Kazakhstan, read once."""
    return load_calendar(schemas("calendars", "kz.yaml"))

"""When the table of a data set is to be renewed, by the periodicity that its passport promises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from ckan import model
from ckanext.kzopen.core import law
from ckanext.kzopen.core.law import Calendar, Deadline, Period, Term
from ckanext.kzopen.core.texts import ASTANA, Words
from ckanext.kzopen.rows.model import Version
from sqlalchemy import func, select
from sqlalchemy.orm import Session

_PROMISE: Words = {
    "kk": "деректер жинағының паспортындағы кезеңділік",
    "ru": "периодичность из паспорта набора данных",
    "en": "the periodicity in the data set's passport",
}


def _promised(length: int, unit: Literal["calendar_days", "months"]) -> Term:
    period = Period(length=length, unit=unit, source="passport", law=_PROMISE, verified=True)
    return Term(name="renewal", label=_PROMISE, periods=(period,))


PERIODS = {
    "DAILY": _promised(1, "calendar_days"),
    "WEEKLY": _promised(7, "calendar_days"),
    "MONTHLY": _promised(1, "months"),
    "QUARTERLY": _promised(3, "months"),
    "HALF_YEAR": _promised(6, "months"),
    "YEARLY": _promised(12, "months"),
}
"""The others (continuously, when it changes, once) promise no day."""
_LEAST = {
    name: timedelta(days=period.length * (28 if period.unit == "months" else 1))
    for name, term in PERIODS.items()
    for period in term.periods
}
"""No period is shorter."""
AHEAD = timedelta(days=7)
SHORT = ("DAILY", "WEEKLY")
"""Periodicities so short that a renewal is told on its day only."""


@dataclass(frozen=True)
class Renewal:
    """A data set whose next version is awaited by the end of `deadline`, which explains itself."""

    package: Any
    uri: str
    deadline: Deadline


def due(published: date, periodicity: str, calendar: Calendar | None = None) -> Deadline | None:
    """When the next version after one of `published` is awaited: by a working day; None where no day is promised."""
    term = PERIODS.get(periodicity)
    return law.due(term, published, calendar) if term else None


def due_soon(session: Session, agencies: frozenset[str] | None, today: date, most: int) -> list[Renewal]:
    """Data sets of these agencies (None = all) whose renewal is overdue or due in the next days, the longest overdue first."""
    found = [renewal for row in _published(session, agencies) if (renewal := _renewal(row[0], row[1], row[2], today))]
    return sorted(found, key=lambda renewal: renewal.deadline.date)[:most]


def _renewal(package: Any, uri: str, published: Any, today: date) -> Renewal | None:
    periodicity = package.extras.get("periodicity", "")
    begun, ahead = published.astimezone(ASTANA).date(), timedelta() if periodicity in SHORT else AHEAD
    if begun + _LEAST.get(periodicity, timedelta()) > today + ahead:
        return None  # most are far from due, and to explain a day takes longer than to see that
    deadline = due(begun, periodicity)
    return Renewal(package, uri, deadline) if deadline and deadline.date <= today + ahead else None


def _published(session: Session, agencies: frozenset[str] | None) -> list[Any]:
    """Data sets with a promise, and when their last version came; those published too lately to be due are left out."""
    last = func.max(Version.created)
    newest = select(Version.package_id, Version.uri, last.label("at")).group_by(Version.package_id, Version.uri).subquery()
    wanted = (
        select(model.Package, newest.c.uri, newest.c.at)
        .join(newest, newest.c.package_id == model.Package.id)
        .where(model.Package.state == model.State.ACTIVE, model.Package.extras["periodicity"].astext.in_(list(PERIODS)))
    )
    if agencies is not None:
        wanted = wanted.where(model.Package.owner_org.in_(agencies))
    return list(session.execute(wanted))

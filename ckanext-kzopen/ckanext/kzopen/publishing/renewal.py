"""When the table of a data set is to be renewed, by the periodicity that its passport promises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ckan import model
from ckanext.kzopen.core.law.calendar import Calendar, kazakhstan
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.rows.model import Version
from dateutil.relativedelta import relativedelta
from sqlalchemy import func, select
from sqlalchemy.orm import Session

PERIODS = {
    "DAILY": relativedelta(days=1),
    "WEEKLY": relativedelta(weeks=1),
    "MONTHLY": relativedelta(months=1),
    "QUARTERLY": relativedelta(months=3),
    "HALF_YEAR": relativedelta(months=6),
    "YEARLY": relativedelta(years=1),
}
"""The others (continuously, when it changes, once) promise no day."""
AHEAD = timedelta(days=7)
SHORT = ("DAILY", "WEEKLY")
"""Periodicities so short that a renewal is told on its day only."""


@dataclass(frozen=True)
class Renewal:
    """A data set whose next version is awaited by the end of `due`."""

    package: Any
    uri: str
    due: date


def due_day(published: date, periodicity: str, calendar: Calendar | None = None) -> date | None:
    """The last day for the next version after one of `published`: a working day; None where no day is promised."""
    period = PERIODS.get(periodicity)
    return (calendar or kazakhstan()).next_working(published + period) if period else None


def due_soon(session: Session, agencies: frozenset[str] | None, today: date, most: int) -> list[Renewal]:
    """Data sets of these agencies (None = all) whose renewal is overdue or due in the next days, the longest overdue first."""
    found = [renewal for row in _published(session, agencies) if (renewal := _renewal(row[0], row[1], row[2], today))]
    return sorted(found, key=lambda renewal: renewal.due)[:most]


def _renewal(package: Any, uri: str, published: Any, today: date) -> Renewal | None:
    periodicity = package.extras.get("periodicity", "")
    due = due_day(published.astimezone(ASTANA).date(), periodicity)
    ahead = timedelta() if periodicity in SHORT else AHEAD
    return Renewal(package, uri, due) if due and due <= today + ahead else None


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

"""What an agency is called, today or on another day, in three languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from ckanext.kzopen.core.agencies.model import EVER, Agency, AgencyName, AnySession, Named
from sqlalchemy import select


@dataclass(frozen=True)
class DatedName:
    """A name with its first and its last day; None is "as long as is known" and "still"."""

    name: Mapping[str, str]
    short: Mapping[str, str]
    since: date | None
    until: date | None


def name_of(session: AnySession, agency_id: str, at: date | None = None) -> dict[str, str]:
    """The full name in the languages that have one; {} for an agency that does not exist.

    Before the day of its first known name an agency is called by that one.
    """
    found = _named(session, agency_id, at)
    return found.name if found else {}


def short_name_of(session: AnySession, agency_id: str, at: date | None = None) -> dict[str, str]:
    """The short name, in languages without one the full name."""
    found = _named(session, agency_id, at)
    return found.name | found.short if found else {}


def names_of(session: AnySession, agency_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Today's full names of several agencies, by one query; unknown ones are left out."""
    rows = session.scalars(select(Agency).where(Agency.id.in_(set(agency_ids))))
    return {row.id: row.name for row in rows}


def all_names(session: AnySession, agency_id: str) -> list[DatedName]:
    """Every name that an agency had, has or is to have, in the order of time; the last day of one is the eve of the next."""
    rows = _rows(session, agency_id)
    ends = [after.since - timedelta(days=1) for _row, after in pairwise(rows)]
    return [
        DatedName(row.name, row.short, None if row.since == EVER else row.since, until)
        for row, until in zip(rows, [*ends, None], strict=False)
    ]


def _named(session: AnySession, agency_id: str, at: date | None) -> Named | None:
    if at is None:
        return session.get(Agency, agency_id)
    rows = _rows(session, agency_id)
    return next((row for row in reversed(rows) if row.since <= at), rows[0] if rows else None)


def _rows(session: AnySession, agency_id: str) -> list[AgencyName]:
    return list(session.scalars(select(AgencyName).where(AgencyName.agency == agency_id).order_by(AgencyName.since)))

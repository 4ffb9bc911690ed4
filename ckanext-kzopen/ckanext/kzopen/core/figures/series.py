"""Reading kept values: of one agency with those that it succeeded, or of the whole portal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ckanext.kzopen.core.agencies.history import agencies_behind
from sqlalchemy import text
from sqlalchemy.orm import Session

_SERIES = text(
    """
    SELECT start, sum(value) AS value, max(revised) AS revised FROM kzopen.figure_value
    WHERE figure = :figure AND (CAST(:agencies AS text[]) IS NULL OR agency = ANY (CAST(:agencies AS text[])))
        AND (CAST(:first AS date) IS NULL OR start >= :first) AND (CAST(:last AS date) IS NULL OR start <= :last)
    GROUP BY start ORDER BY start DESC LIMIT :limit
    """
)
_REVISIONS = text(
    """
    SELECT start, agency, old, new, at FROM kzopen.figure_revision
    WHERE figure = :figure AND start = :start ORDER BY at, id
    """
)
_ALL = text("SELECT figure, start, agency, value FROM kzopen.figure_value ORDER BY figure, start, agency")
LONGEST = 4000


@dataclass(frozen=True)
class Point:
    """The value of one period; `revised` is when it was last changed after the period's end."""

    start: date
    value: Decimal
    revised: datetime | None


def behind(session: Session, agency: str | None) -> frozenset[str] | None:
    """The agencies whose values count for one, None for the whole portal."""
    return None if agency is None else agencies_behind(session, agency)


def series(
    session: Session,
    figure: str,
    agency: str | None = None,
    first: date | None = None,
    last: date | None = None,
    limit: int = LONGEST,
) -> list[Point]:
    """The values by period, the newest first."""
    agencies = behind(session, agency)
    values: dict[str, Any] = {"figure": figure, "first": first, "last": last, "limit": limit}
    rows = session.execute(_SERIES, values | {"agencies": None if agencies is None else sorted(agencies)})
    return [Point(row.start, row.value, row.revised) for row in rows]


def revisions(session: Session, figure: str, start: date) -> list[dict[str, Any]]:
    """How the values of one period were revised, the oldest change first."""
    return [dict(row._mapping) for row in session.execute(_REVISIONS, {"figure": figure, "start": start})]


def everything(session: Session) -> list[dict[str, Any]]:
    """All kept values, for open data."""
    return [dict(row._mapping) for row in session.execute(_ALL)]

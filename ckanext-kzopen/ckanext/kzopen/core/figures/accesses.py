"""Views, downloads and API calls as figures, and what the page of a data set shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ckan import model
from ckanext.kzopen.core.figures.compute import today
from ckanext.kzopen.core.figures.periods import Period, Span
from ckanext.kzopen.core.figures.registry import Figure, Query, Rows, register
from ckanext.kzopen.core.texts import Words
from sqlalchemy import text
from sqlalchemy.orm import Session

LATELY = 30
UNIT: Words = {"kk": "рет", "ru": "раз", "en": "times"}
TITLES: dict[str, Words] = {
    "view": {"kk": "Деректер жиындарын қарау", "ru": "Просмотры наборов данных", "en": "Views of data sets"},
    "download": {"kk": "Деректерді жүктеп алу", "ru": "Скачивания данных", "en": "Downloads of data"},
    "api": {"kk": "API сұраныстары", "ru": "Обращения к API", "en": "API calls"},
}
NAMES = {"view": "views", "download": "downloads", "api": "api_calls"}
_BY_AGENCY = text(
    """
    SELECT coalesce(p.owner_org, '') AS agency, sum(a.count) AS value
    FROM kzopen.access_count a JOIN package p ON p.id = a.object_id
    WHERE a.what = :what AND NOT a.robot AND a.day >= :start AND a.day < :end AND NOT p.private AND p.state = 'active'
    GROUP BY 1
    """
)
_BY_OBJECT = text(
    """
    SELECT p.name AS dataset, p.owner_org AS agency, a.day, sum(a.count) FILTER (WHERE NOT a.robot) AS count,
        sum(a.count) FILTER (WHERE a.robot) AS robots
    FROM kzopen.access_count a JOIN package p ON p.id = a.object_id
    WHERE a.what = :what AND a.day >= :start AND a.day < :end AND NOT p.private AND p.state = 'active'
        AND (CAST(:agencies AS text[]) IS NULL OR p.owner_org = ANY (CAST(:agencies AS text[])))
    GROUP BY p.name, p.owner_org, a.day ORDER BY count DESC NULLS LAST, p.name LIMIT 1000
    """
)
_OF_OBJECT = text(
    """
    SELECT what, sum(count) AS count FROM kzopen.access_count
    WHERE object_id = :object AND NOT robot AND day > :since GROUP BY what
    """
)


@dataclass(frozen=True)
class Lately:
    """How often one data set was looked at, downloaded and asked for by programs in the last 30 days; robots apart."""

    views: int
    downloads: int
    calls: int


def lately(package_id: str) -> Lately:
    """One indexed query; what was counted up to a minute ago."""
    since = today() - timedelta(days=LATELY)
    found = {row.what: int(row.count) for row in model.Session.execute(_OF_OBJECT, {"object": package_id, "since": since})}
    return Lately(found.get("view", 0), found.get("download", 0), found.get("api", 0))


def _values(what: str) -> Query:
    def values(session: Session, span: Span) -> dict[str, int]:
        found = session.execute(_BY_AGENCY, {"what": what, "start": span.start, "end": span.end})
        return {row.agency: int(row.value) for row in found}

    return values


def _rows(what: str) -> Rows:
    def rows(session: Session, span: Span, agencies: frozenset[str] | None) -> list[dict[str, Any]]:
        given = {"what": what, "start": span.start, "end": span.end}
        chosen = None if agencies is None else sorted(agencies)
        return [dict(row._mapping) for row in session.execute(_BY_OBJECT, given | {"agencies": chosen})]

    return rows


for _what, _name in NAMES.items():
    register(Figure(_name, TITLES[_what], UNIT, Period.DAY, _values(_what), _rows(_what), late=7))


def kz_lately(package_id: str) -> Lately:
    """For the page of a data set."""
    return lately(package_id)

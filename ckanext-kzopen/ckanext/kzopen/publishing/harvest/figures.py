"""Figures of harvesting: how many runs ended, how many of them failed, and how many data sets could not be fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ckanext.kzopen.core.figures import Figure, Period, Span, register
from ckanext.kzopen.core.texts import Words
from sqlalchemy import text
from sqlalchemy.orm import Session

_ENDED = """
    FROM kzopen.harvest_run r WHERE r.finished >= :first AND r.finished < :after
        AND r.purpose = 'harvest' AND r.state IN ('finished', 'failed', 'inconsistent')
"""
_ROWS = text(
    f"""
    SELECT r.state, r.seen, r.added, r.changed, r.unchanged, r.removed, r.failed, r.finished,
        r.agency_id AS agency {_ENDED}
        AND (CAST(:agencies AS text[]) IS NULL OR r.agency_id = ANY (CAST(:agencies AS text[])))
    ORDER BY r.finished LIMIT 1000
    """
)


def _of(value: str) -> Callable[[Session, Span], dict[str, int]]:
    query = text(f"SELECT r.agency_id AS agency, {value} AS value {_ENDED} GROUP BY 1")

    def values(session: Session, span: Span) -> dict[str, int]:
        first, after = span.moments
        return {row.agency: int(row.value) for row in session.execute(query, {"first": first, "after": after}) if row.value}

    return values


def the_runs(session: Session, span: Span, agencies: frozenset[str] | None) -> list[dict[str, Any]]:
    """These runs; everybody may read them, so sources are not named."""
    first, after = span.moments
    chosen = None if agencies is None else sorted(agencies)
    found = session.execute(_ROWS, {"first": first, "after": after, "agencies": chosen})
    return [dict(row._mapping) for row in found]


RUNS: Words = {"kk": "іске қосу", "ru": "запусков", "en": "runs"}
SETS: Words = {"kk": "жиын", "ru": "наборов", "en": "data sets"}
register(
    Figure(
        "harvest_runs",
        {"kk": "Аяқталған дерек жинаулар", "ru": "Завершённые сборы данных", "en": "Harvest runs that ended"},
        RUNS,
        Period.DAY,
        _of("count(*)"),
        the_runs,
    )
)
register(
    Figure(
        "harvest_runs_failed",
        {"kk": "Сәтсіз дерек жинаулар", "ru": "Неудавшиеся сборы данных", "en": "Harvest runs that failed"},
        RUNS,
        Period.DAY,
        _of("count(*) FILTER (WHERE r.state <> 'finished')"),
        the_runs,
    )
)
register(
    Figure(
        "harvest_datasets_failed",
        {
            "kk": "Жиналмай қалған жиындар",
            "ru": "Наборы, которые не удалось собрать",
            "en": "Data sets that could not be harvested",
        },
        SETS,
        Period.DAY,
        _of("coalesce(sum(r.failed), 0)"),
        the_runs,
    )
)

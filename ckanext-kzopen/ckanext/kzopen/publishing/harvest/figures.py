"""Figures of harvesting: how many runs ended, how many of them failed, and how many data sets could not be fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ckanext.kzopen.core.figures import Figure, Period, Span, register
from ckanext.kzopen.core.texts import Words
from sqlalchemy import text
from sqlalchemy.orm import Session

_ENDED = """
    kzopen.harvest_run r WHERE r.finished >= :first AND r.finished < :after
        AND r.purpose = 'harvest' AND r.state IN ('finished', 'failed', 'inconsistent')
"""
_ROWS = text(
    f"""
    SELECT r.agency_id AS agency, r.state, count(*) AS runs, sum(r.added) AS added, sum(r.changed) AS changed,
        sum(r.unchanged) AS unchanged, sum(r.removed) AS removed
    FROM {_ENDED} AND (CAST(:agencies AS text[]) IS NULL OR r.agency_id = ANY (CAST(:agencies AS text[])))
    GROUP BY 1, 2 ORDER BY 1, 2
    """  # noqa: S608 - a constant
)
_RUNS = f"SELECT r.agency_id AS agency, count(*) AS value FROM {_ENDED}"  # noqa: S608
_COUNTS = {
    "harvest_runs": f"{_RUNS} GROUP BY 1",
    "harvest_runs_failed": f"{_RUNS} AND r.state <> 'finished' GROUP BY 1",
    "harvest_datasets_failed": f"""
        SELECT r.agency_id AS agency, count(DISTINCT (r.source_id, i.guid)) AS value
        FROM kzopen.harvest_item i, {_ENDED} AND i.run_id = r.id AND i.outcome = 'failed' GROUP BY 1
        """,  # noqa: S608
}


def _counted(name: str) -> Callable[[Session, Span], dict[str, int]]:
    query = text(_COUNTS[name])

    def values(session: Session, span: Span) -> dict[str, int]:
        first, after = span.moments
        return {row.agency: row.value for row in session.execute(query, {"first": first, "after": after})}

    return values


def the_runs(session: Session, span: Span, agencies: frozenset[str] | None) -> list[dict[str, Any]]:
    """How these runs ended; everybody may read it, so neither sources nor moments are told."""
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
        _counted("harvest_runs"),
        the_runs,
    )
)
register(
    Figure(
        "harvest_runs_failed",
        {"kk": "Сәтсіз дерек жинаулар", "ru": "Неудавшиеся сборы данных", "en": "Harvest runs that failed"},
        RUNS,
        Period.DAY,
        _counted("harvest_runs_failed"),
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
        _counted("harvest_datasets_failed"),
        the_runs,
    )
)

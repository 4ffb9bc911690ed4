"""How well each source is: fails since when, is late since when, or how many of its data sets failed in its last run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.publishing.harvest.model import Source
from sqlalchemy import text
from sqlalchemy.orm import Session

STUCK = timedelta(days=1)
"""A run that has been under way for so long keeps no source from being late."""
LATE = timedelta(hours=1)
"""So long after its moment a run that has not begun is late; the worker begins due runs each minute."""
WORRYING = timedelta(days=2)
"""So long may a source fail before its agency's people have it as a task: most come back by themselves."""
State = Literal["new", "well", "partly", "failing", "late"]
LABELS: dict[State, Words] = {
    "new": {"kk": "Әлі іске қосылмаған", "ru": "Ещё не запускался", "en": "Not run yet"},
    "well": {"kk": "Жақсы", "ru": "В порядке", "en": "Well"},
    "partly": {"kk": "Кейбір жиындар сәтсіз", "ru": "Часть наборов не удалась", "en": "Some data sets failed"},
    "failing": {"kk": "Сәтсіз, басталған күні:", "ru": "Неудачи с", "en": "Fails since"},
    "late": {"kk": "Кешігуде, басталған күні:", "ru": "Опаздывает с", "en": "Late since"},
}
GOOD = """
    LEFT JOIN LATERAL (
        SELECT run.id, run.created FROM kzopen.harvest_run run
        WHERE run.source_id = source.id AND run.purpose = 'harvest'
          AND (run.state = 'awaiting_confirmation' OR (run.state = 'finished' AND (run.failed = 0 OR run.failed < run.seen)))
        ORDER BY run.created DESC LIMIT 1) good ON true
"""
"""The last good run of each `source`: its list was read and not all that was seen failed; what waits for a person is fetched
already."""
FAILS_SINCE = """
    (SELECT min(bad.finished) FROM kzopen.harvest_run bad
        WHERE bad.source_id = source.id AND bad.purpose = 'harvest'
          AND bad.created > coalesce(good.created, '-infinity')
          AND (bad.state IN ('failed', 'inconsistent') OR (bad.state = 'finished' AND bad.failed > 0)))
"""
"""The end of the first run behind it that was not good; NULL where there is none."""
_RUNS = text(
    f"""
    SELECT source.id, good.id IS NOT NULL AS good, source.next_run AS due,
        (SELECT count(*) FROM kzopen.harvest_item item
            WHERE item.run_id = good.id AND item.outcome = 'failed' AND NOT EXISTS (
                SELECT FROM kzopen.harvest_run retry JOIN kzopen.harvest_item again ON again.run_id = retry.id
                WHERE retry.source_id = source.id AND retry.purpose = 'retry' AND retry.created > good.created
                  AND again.guid = item.guid AND again.outcome IN ('added', 'changed', 'unchanged'))) AS failed,
        source.state = 'active' AND source.next_run < :late AND NOT EXISTS (
            SELECT FROM kzopen.harvest_run going WHERE going.source_id = source.id AND going.created > :stuck
              AND going.state IN ('queued', 'discovering', 'fetching')) AS late,
        {FAILS_SINCE} AS bad
    FROM kzopen.harvest_source source {GOOD}
    WHERE source.id = ANY (CAST(:sources AS uuid[]))
    """  # noqa: S608 - constants
)


@dataclass(frozen=True)
class Health:
    """`since` is from when on a source fails or is late; `failed` how many data sets failed in its last good run and
    were not mended since."""

    state: State
    since: datetime | None = None
    failed: int = 0

    @property
    def label(self) -> Words:
        return LABELS[self.state]


def of_sources(session: Session, sources: Iterable[Source], now: datetime) -> dict[UUID, Health]:
    """The health of each of these sources, by its id; one statement."""
    told = {"sources": [str(source.id) for source in sources], "late": now - LATE, "stuck": now - STUCK}
    return {
        row.id: _health(row.good, row.bad, row.due if row.late else None, row.failed) for row in session.execute(_RUNS, told)
    }


def _health(good: bool, bad: datetime | None, late: datetime | None, failed: int) -> Health:
    if bad is not None:
        return Health("failing", bad)
    if late is not None:
        return Health("late", late)
    if not good:
        return Health("new")
    return Health("partly", None, failed) if failed else Health("well")

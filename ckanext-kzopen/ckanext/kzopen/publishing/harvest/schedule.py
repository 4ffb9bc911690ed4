"""When a source runs: a cron line of five fields in the time of Astana."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError

LEAST = timedelta(minutes=5)


def check(line: str) -> None:
    """Raise KzError for a line that is not understood or that means more than once in LEAST; an empty one is by hand."""
    if not line:
        return
    first = next_time(line, datetime.now(UTC))
    second = next_time(line, first) if first else None
    if first is None or second is None:
        raise KzError("harvest.bad_schedule", schedule=line)
    if second - first < LEAST:
        raise KzError("harvest.too_often", minutes=int(LEAST.total_seconds() // 60))


def next_time(line: str, after: datetime) -> datetime | None:
    """The first moment of the line after `after`; None for an empty line, KzError harvest.bad_schedule for a wrong one."""
    from croniter import CroniterError, croniter  # procrastinate's, loaded when a schedule is read

    if not line:
        return None
    try:
        if len(line.split()) != 5:
            raise KzError("harvest.bad_schedule", schedule=line)
        found: datetime = croniter(line, after.astimezone(ASTANA)).get_next(datetime)
    except (CroniterError, ValueError) as error:
        raise KzError("harvest.bad_schedule", schedule=line) from error
    return found.astimezone(UTC)

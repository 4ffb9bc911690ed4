"""The background of withdrawals."""

from __future__ import annotations

from uuid import UUID

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.withdrawal.spread import spread
from ckanext.kzopen.core.withdrawal.tombstones import under_way

PATIENT = jobs.Retry(times=12, first=1.0, longest=10.0)


class NotOut(Exception):
    """Some places still hold the thing; the job is run again."""


@jobs.task("withdrawal.spread", retry=PATIENT)
def spread_job(number: str) -> None:
    """Take a withdrawn thing out of every place; fails, and so is repeated, while some place still holds it."""
    left = spread(model.Session(), UUID(number))
    if left:
        raise NotOut(", ".join(place.name for place in left))


@jobs.task("withdrawal.look_again", cron="* * * * *", retry=jobs.NO_RETRY)
def look_again() -> None:
    """Once a minute: go on with withdrawals whose own job was given up."""
    session = model.Session()
    for row in under_way(session):
        jobs.defer(session, "withdrawal.spread", queueing_lock=f"withdrawal:{row.id}", number=str(row.id))
    session.commit()

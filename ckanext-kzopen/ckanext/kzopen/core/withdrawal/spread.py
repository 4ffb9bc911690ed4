"""After the order: out of every other place, again and again until each says that the thing is out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from ckanext.kzopen.core import states
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from ckanext.kzopen.core.withdrawal.places import Place, holding, places
from sqlalchemy.orm import Session

SYSTEM = "system:withdrawal"


def spread(session: Session, number: UUID) -> list[Place]:
    """Take the thing out of each place that still holds it; the places that hold it after that. Commits after each place.

    Runs in the request that gave the order, in the job and in the repair, also at the same time: taking out what is out
    already changes nothing.
    """
    row = session.get_one(Withdrawal, number)
    for place in holding(session, row.thing):
        place.take_out(session, row.thing)
        session.commit()
    left = holding(session, row.thing)
    _note(session, number, {place.name for place in left})
    return left


def _note(session: Session, number: UUID, left: set[str]) -> None:
    """Note which places are clean; when all are, the withdrawal is complete."""
    row = session.get_one(Withdrawal, number, with_for_update=True, populate_existing=True)
    now = datetime.now(UTC)
    clean = {place.name for place in places()} - left
    row.out_of = {name: row.out_of.get(name, now.isoformat()) for name in sorted(clean)}
    if not left and row.state == "spreading":
        states.change(session, "withdrawal", row, "finish", SYSTEM, at=now, complete=now)
    session.commit()

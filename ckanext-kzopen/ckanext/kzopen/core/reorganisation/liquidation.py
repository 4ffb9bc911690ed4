"""The end of an agency: its state changes, and everything registered as its own goes over to the successor.

What does not fit into the transaction goes over by a job in steps, each of them committed; a step that was killed is repeated.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core import jobs, states
from ckanext.kzopen.core.agencies import ownership
from ckanext.kzopen.core.agencies.model import Agency, AnySession
from ckanext.kzopen.core.reorganisation.telling import tell

AT_ONCE = 3
"""Steps of handing over that the transaction of the liquidation itself takes."""


def carry_out(session: AnySession, row: Agency, transition: str, actor: str, **fields: Any) -> dict[str, int]:
    """Liquidate: what went over, by name. Nothing is committed; a job is deferred for what is left."""
    states.change(session, "agency", row, transition, actor, **fields)
    row.successor = living_successor(session, row.successor)
    session.flush()
    if row.successor is None:
        row.handed_over = datetime.now(UTC)
        session.flush()
        return {}
    went: dict[str, int] = {}
    for _step in range(AT_ONCE):
        if not hand_over(session, row, actor, went):
            return went
    jobs.defer(session, "agencies.hand_over", agency=row.id, lock=f"agency:{row.id}")
    return went


def living_successor(session: AnySession, agency_id: str | None) -> str | None:
    """The successor, or who succeeded it since a later end was planned."""
    row = session.get(Agency, agency_id) if agency_id else None
    while row is not None and row.state == "liquidated" and row.successor is not None:
        row = session.get(Agency, row.successor)
    return row.id if row else None


def hand_over(session: AnySession, row: Agency, actor: str, went: dict[str, int] | None = None) -> bool:
    """One step; `went` is added to. False when nothing is left, which is written down."""
    assert row.successor is not None  # noqa: S101 - the callers ask
    counts = {name: number for name, number in ownership.hand_over(session, row.id, row.successor).items() if number}
    for name, number in counts.items():
        if went is not None:
            went[name] = went.get(name, 0) + number
    if counts:
        tell(session, row, "hand_over", None, {"successor": row.successor, **counts}, actor)
        return True
    row.handed_over = datetime.now(UTC)
    session.flush()
    return False

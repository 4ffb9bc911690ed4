"""The end of a run: nothing is left to do, so count, and say whether the counts add up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core import states
from ckanext.kzopen.publishing.harvest.model import COUNTS, Run, counted
from sqlalchemy.orm import Session

SYSTEM = "system:harvest"


def totals(session: Session, run: Run) -> dict[str, Any]:
    """How many items were added, changed, unchanged, removed, failed."""
    found = counted(session, run)
    return {name: found.get(name, 0) for name in COUNTS}


def close(session: Session, run: Run) -> None:
    """End a run whose items all have an outcome, in the caller's transaction.

    `seen` was counted while the list was read, the others from the items: seen = added + changed + unchanged + removed +
    failed, or the run is inconsistent. It is never made to fit.
    """
    told = totals(session, run)
    fits = sum(told.values()) == run.seen
    way = "finish" if fits else "mark_inconsistent"
    states.change(session, "harvest_run", run, way, SYSTEM, finished=datetime.now(UTC), seen=run.seen, **told)

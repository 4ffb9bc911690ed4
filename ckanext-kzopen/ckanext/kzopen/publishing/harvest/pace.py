"""How fast a run goes, and when it will be at its end if it goes on like that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Pace:
    """`rate` is in items a second, `left` in seconds, `end` the moment at which they are over."""

    rate: float
    left: float
    end: datetime


def pace(done: int, left: int, since: datetime, now: datetime) -> Pace | None:
    """The pace of a run that has brought `done` items to their outcomes `since` then; None before the first of them."""
    seconds = (now - since).total_seconds()
    if not done or seconds <= 0:
        return None
    rest = left * seconds / done
    return Pace(done / seconds, rest, now + timedelta(seconds=rest))

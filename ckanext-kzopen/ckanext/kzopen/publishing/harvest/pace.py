"""How fast a run goes, and when it will be at its end: by its own pace, before that by the source's last runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median


@dataclass(frozen=True)
class Pace:
    """`rate` is in items a second (None = not known yet), `left` in seconds, `end` the moment at which they are over."""

    rate: float | None
    left: float
    end: datetime


def pace(done: int, left: int, since: datetime, now: datetime) -> Pace | None:
    """The pace of a run that has brought `done` items to their outcomes `since` then; None before the first of them."""
    seconds = (now - since).total_seconds()
    if not done or seconds <= 0:
        return None
    rest = left * seconds / done
    return Pace(done / seconds, rest, now + timedelta(seconds=rest))


def by_history(took: Sequence[float], since: datetime, now: datetime) -> Pace | None:
    """What is to be expected of a run that began then, if earlier ones took so many seconds; None where none of them is known,
    or where this one takes longer than usual already."""
    if not took:
        return None
    end = since + timedelta(seconds=median(took))
    return Pace(None, (end - now).total_seconds(), end) if end > now else None

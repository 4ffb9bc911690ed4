"""Days, months, quarters and years, as spans of days in Astana's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from ckanext.kzopen.core.texts import ASTANA
from dateutil.relativedelta import relativedelta


class Period(StrEnum):
    """How often a figure has a value."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


STEPS = {
    Period.DAY: relativedelta(days=1),
    Period.MONTH: relativedelta(months=1),
    Period.QUARTER: relativedelta(months=3),
    Period.YEAR: relativedelta(years=1),
}


@dataclass(frozen=True)
class Span:
    """The days from `start` on, before `end`."""

    start: date
    end: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The first moment of the span and the first after it."""
        first, after = (datetime.combine(day, time(), tzinfo=ASTANA) for day in (self.start, self.end))
        return first, after


def span_of(period: Period, day: date) -> Span:
    """The span of that period in which a day lies."""
    match period:
        case Period.DAY:
            start = day
        case Period.MONTH:
            start = day.replace(day=1)
        case Period.QUARTER:
            start = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case Period.YEAR:
            start = date(day.year, 1, 1)
    return Span(start, start + STEPS[period])


def latest_spans(period: Period, day: date, count: int) -> list[Span]:
    """The last `count` spans up to that in which `day` lies, the oldest first."""
    last = span_of(period, day).start
    starts = [last - STEPS[period] * n for n in range(count - 1, -1, -1)]
    return [Span(start, start + STEPS[period]) for start in starts]

"""The day on which a term of law ends, with an explanation that a citizen can check.

The day of the start does not count; a term in calendar days or months whose last day is a day of rest ends on the next
working day; a term in days ends at 24:00 Astana time (Civil Code, arts. 173-176; unverified). Hours run by the clock.
"""

from __future__ import annotations

import datetime

from ckanext.kzopen.core.law import words
from ckanext.kzopen.core.law.calendar import Calendar, Day, kazakhstan
from ckanext.kzopen.core.law.terms import Period, Term, terms
from ckanext.kzopen.core.texts import ASTANA, Words, in_language, moment
from ckanext.kzopen.core.texts import day as day_text
from ckanext.kzopen.core.yaml_source import Source
from dateutil.relativedelta import relativedelta

ONE_DAY = datetime.timedelta(days=1)


class Deadline(Source):
    """When a term ends: `date` is its last day, `moment` the instant after which an act is late."""

    term: str
    period: Period
    start: datetime.date
    date: datetime.date
    moment: datetime.datetime
    counted: int
    skipped: tuple[Day, ...]
    verified: bool
    explanation: Words


def due(term: str | Term, start: datetime.date | datetime.datetime, calendar: Calendar | None = None) -> Deadline:
    """The day on which `term` ends that started at `start`; a time without a zone is Astana's.

    When the law changes before that day and the term says `on_change: longer`, the later of the two days holds.
    """
    chosen = terms()[term] if isinstance(term, str) else term
    days = calendar or kazakhstan()
    begun = _begun(start)
    deadline = _deadline(chosen, chosen.period_at(begun.date()), begun, days)
    if chosen.on_change == "longer":
        newer = [p for p in chosen.periods if p.since and begun.date() < p.since <= deadline.date]
        deadline = max([deadline, *(_deadline(chosen, period, begun, days) for period in newer)], key=lambda d: d.moment)
    return deadline


def _begun(start: datetime.date | datetime.datetime) -> datetime.datetime:
    if not isinstance(start, datetime.datetime):
        return datetime.datetime.combine(start, datetime.time(), ASTANA)
    return start.astimezone(ASTANA) if start.tzinfo else start.replace(tzinfo=ASTANA)


def _deadline(term: Term, period: Period, begun: datetime.datetime, calendar: Calendar) -> Deadline:
    skipped: tuple[Day, ...] = ()
    if period.unit == "hours":
        end = begun + datetime.timedelta(hours=period.length)
        last = end.date()
    else:
        last, skipped = _last_day(period, begun.date(), calendar)
        end = datetime.datetime.combine(last + ONE_DAY, datetime.time(), ASTANA)
    verified = period.verified and all(day.verified for day in skipped)
    return Deadline(
        term=term.name,
        period=period,
        start=begun.date(),
        date=last,
        moment=end,
        counted=period.length,
        skipped=skipped,
        verified=verified,
        explanation=words.each(lambda language: _explain(period, begun, end, last, skipped, verified, language)),
    )


def _last_day(period: Period, start: datetime.date, calendar: Calendar) -> tuple[datetime.date, tuple[Day, ...]]:
    """The last day and the days on the way that did not count."""
    if period.unit == "working_days":
        return _after_working_days(start, period.length, calendar)
    step = relativedelta(months=period.length) if period.unit == "months" else datetime.timedelta(days=period.length)
    nominal = start + step
    last = calendar.next_working(nominal)
    return last, tuple(calendar.day(nominal + n * ONE_DAY) for n in range((last - nominal).days))


def _after_working_days(start: datetime.date, length: int, calendar: Calendar) -> tuple[datetime.date, tuple[Day, ...]]:
    last, skipped = start, list[Day]()
    while length:
        last += ONE_DAY
        today = calendar.day(last)
        if today.working:
            length -= 1
        else:
            skipped.append(today)
    return last, tuple(skipped)


def _explain(
    period: Period,
    begun: datetime.datetime,
    end: datetime.datetime,
    last: datetime.date,
    skipped: tuple[Day, ...],
    verified: bool,
    language: str,
) -> str:
    """Start, length with its source, the days left out and why, the end: one sentence each."""
    by_clock = period.unit == "hours"
    said = [
        ("clock", moment(begun, language)) if by_clock else ("start", day_text(begun.date(), language)),
        ("length", words.length(period.length, period.unit, language), in_language(period.law, language)),
    ]
    if skipped:
        said.append(("skipped", _skipped(skipped, language)))
    said.append(("end", moment(end, language)) if by_clock else ("last", day_text(last, language)))
    if not verified:
        said.append(("unverified",))
    return " ".join(in_language(words.SENTENCES[name], language).format(*parts) for name, *parts in said)


def _skipped(days: tuple[Day, ...], language: str) -> str:
    """Each day off with its reason: `07.03.2026 (сенбі), 09.03.2026 (…)`."""
    return ", ".join(f"{day_text(one.date, language, short=True)} ({in_language(one.why, language)})" for one in days)

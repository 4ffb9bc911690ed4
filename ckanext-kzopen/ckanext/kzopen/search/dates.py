"""Dates of documents and queries, as whole microseconds since 1970 in UTC."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

from dateutil.parser import ParserError, parse
from dateutil.relativedelta import relativedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ("year", "month", "day", "hour", "minute", "second")
_STEP = re.compile(r"([+-])(\d+)(YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)S?|/(YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)S?", re.IGNORECASE)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$")


def micros(moment: datetime) -> int:
    """Microseconds since 1970; a moment without a zone is in UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def of_value(value: object) -> int | None:
    """The moment a stored value tells, None when it is not a date."""
    if isinstance(value, datetime):
        return micros(value)
    text = str(value)
    try:
        # dateutil reads everything and takes its time; CKAN's own moments need nothing of that.
        return micros(datetime.fromisoformat(text) if _ISO.fullmatch(text) else parse(text))
    except (ParserError, ValueError, OverflowError, TypeError):
        return None


def of_bound(text: str, upper: bool, now: datetime) -> int | None:
    """The moment that a bound of a range names: ISO, `2024`, `2024-05`, `NOW-7DAYS/DAY`; None when it is none of these.

    `2024-05` as an upper bound is the last moment of that month.
    """
    if text.upper().startswith("NOW"):
        return _relative(text[3:], now)
    partial = _PARTIAL.match(text)
    if partial:
        year, month, day = (int(part or 0) for part in partial.groups())
        return _partial(year, month, day, upper)
    if re.match(r"\d{4}-\d{2}-\d{2}T[^/]*/", text) or "Z+" in text or "Z-" in text:
        base, math = re.split(r"Z", text, maxsplit=1)
        start = of_value(base)
        return None if start is None else _relative(math, _EPOCH + timedelta(microseconds=start))
    return of_value(text)


def _partial(year: int, month: int, day: int, upper: bool) -> int | None:
    """First or last moment of a year, month or day; 0 stands for a part that was left out."""
    try:
        if not upper:
            return micros(datetime(year, month or 1, day or 1, tzinfo=UTC))
        last_month = month or 12
        last_day = day or monthrange(year, last_month)[1]
        return micros(datetime(year, last_month, last_day, 23, 59, 59, 999999, tzinfo=UTC))
    except ValueError:
        return None


def _relative(math: str, moment: datetime) -> int | None:
    """Solr's date arithmetic: steps such as `-7DAYS`, and rounding down such as `/DAY`."""
    position = 0
    for step in _STEP.finditer(math):
        if step.start() != position:
            return None
        position = step.end()
        sign, count, unit, rounded = step.groups()
        if rounded:
            moment = _floor(moment, rounded.lower())
        else:
            amount = int(count) * (1 if sign == "+" else -1)
            moment += relativedelta(**{unit.lower() + "s": amount})  # type: ignore[arg-type]
    return micros(moment) if position == len(math) else None


def _floor(moment: datetime, unit: str) -> datetime:
    below = _UNITS[_UNITS.index(unit) + 1 :]
    zero = {name: 1 if name in ("month", "day") else 0 for name in below}
    return moment.replace(microsecond=0, **zero)  # type: ignore[arg-type]

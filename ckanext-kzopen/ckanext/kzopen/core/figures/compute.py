"""Computing figures and keeping their values: what changes in a finished period is a revision, and its old value is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ckanext.kzopen.core.figures.periods import Span, latest_spans
from ckanext.kzopen.core.figures.registry import Figure, figures, is_finished
from ckanext.kzopen.core.texts import ASTANA
from sqlalchemy import text
from sqlalchemy.orm import Session

_KEPT = text("SELECT agency, value FROM kzopen.figure_value WHERE figure = :figure AND start = :start")
_KEEP = text(
    """
    INSERT INTO kzopen.figure_value (figure, start, agency, value) VALUES (:figure, :start, :agency, :new)
    ON CONFLICT (figure, start, agency) DO UPDATE SET value = excluded.value, computed = now(),
        revised = CASE WHEN :revision THEN now() ELSE figure_value.revised END
    """
)
_DROP = text("DELETE FROM kzopen.figure_value WHERE figure = :figure AND start = :start AND agency = :agency")
_REVISE = text(
    """
    INSERT INTO kzopen.figure_revision (figure, start, agency, old, new) VALUES (:figure, :start, :agency, :old, :new)
    """
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.figure:' || :figure, 0))")
_TOUCH = text("UPDATE kzopen.figure_value SET computed = now() WHERE figure = :figure AND start = :start AND agency = ''")
_COMPUTED = text("SELECT computed FROM kzopen.figure_value WHERE figure = :figure AND start = :start AND agency = ''")
_FIRST = text("SELECT min(start) FROM kzopen.figure_value WHERE figure = :figure")


@dataclass(frozen=True)
class Difference:
    """A value that comes out otherwise than it is kept; None stands for no value."""

    figure: str
    start: date
    agency: str
    old: Decimal | None
    new: Decimal | None


def today() -> date:
    """The day in Astana."""
    return datetime.now(ASTANA).date()


def differences(session: Session, figure: Figure, span: Span) -> list[Difference]:
    """What a new computation of one span would change."""
    values = figure.query(session, span).items()
    found = {"": Decimal(0)} | {agency: Decimal(str(value)) for agency, value in values if value}
    rows = session.execute(_KEPT, {"figure": figure.name, "start": span.start})
    kept = {row.agency: Decimal(row.value) for row in rows}
    return [
        Difference(figure.name, span.start, agency, kept.get(agency), found.get(agency))
        for agency in sorted(found.keys() | kept.keys())
        if kept.get(agency) != found.get(agency)
    ]


def keep(session: Session, figure: Figure, span: Span, day: date) -> list[Difference]:
    """Compute one span and keep what changed, in the caller's transaction; what changed."""
    session.execute(_LOCK, {"figure": figure.name})
    changed = differences(session, figure, span)
    revision = is_finished(span, day) and _was_final(session, figure, span)
    for one in changed:
        values = {"figure": one.figure, "start": one.start, "agency": one.agency, "old": one.old, "new": one.new}
        session.execute(_DROP if one.new is None else _KEEP, values | {"revision": revision})
        if revision:
            session.execute(_REVISE, values)
    session.execute(_TOUCH, {"figure": figure.name, "start": span.start})
    return changed


def _was_final(session: Session, figure: Figure, span: Span) -> bool:
    """Whether the values kept so far were computed after the span's end: the first computation after it is no revision."""
    computed = session.scalar(_COMPUTED, {"figure": figure.name, "start": span.start})
    return computed is not None and computed >= span.moments[1]


def keep_latest(session: Session, day: date | None = None) -> None:
    """Compute the running period of every figure and those before it for which rows may come late; commits after each."""
    now = day or today()
    for figure in figures():
        for span in latest_spans(figure.period, now, figure.late + 1):
            keep(session, figure, span, now)
            session.commit()


def recomputed(session: Session, figure: Figure, day: date | None = None) -> Iterator[Difference]:
    """What differs when every span from the first kept one on is computed anew; nothing is changed."""
    now = day or today()
    first = session.scalar(_FIRST, {"figure": figure.name})
    if first is None:
        return
    for span in spans_since(figure, first, now):
        yield from differences(session, figure, span)


def spans_since(figure: Figure, first: date, now: date) -> list[Span]:
    """All spans of a figure from the day `first` to today."""
    count = 1
    while latest_spans(figure.period, now, count)[0].start > first:
        count *= 2
    return [span for span in latest_spans(figure.period, now, count) if span.start >= first]

"""How long events are kept: the rules of `schemas/keeping.yaml`, and the deletion of what is past.

A deleted event leaves the hash of its line in `event_deleted`, and each deletion is a leaf of the public record:
`{"rule", "before", "count", "ids"}`. So what a rule deletes can be told from what an attacker deletes.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ckanext.kzopen.core.law.terms import Period
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.record.log import OWN, append
from ckanext.kzopen.core.record.model import DeletedEvent, Event
from ckanext.kzopen.core.record.sealing import digest_of, ranges_of
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.yaml_source import Place, Source, read, schemas
from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, and_, delete, false, func, insert, not_, or_, select, true

KEPT = f"{OWN}keeping"
"""Kind of the leaf that tells of a deletion; its object is the name of the rule."""
AT_ONCE = 5000


class Rule(Source):
    """Which events a rule is about, and how long it keeps them."""

    name: str
    label: Words
    kinds: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    keep: Literal["always"] | None = None
    periods: tuple[Period, ...] = ()

    def fits(self) -> ColumnElement[bool]:
        """The condition on an event, without regard to the rules before it."""
        listed = ((Event.kind, self.kinds), (Event.verb, self.verbs))
        return and_(true(), *(column.in_(names) for column, names in listed if names))

    def cutoff(self, today: datetime.date) -> datetime.datetime | None:
        """Events before this moment are past; None when all are kept, also when no period is in force today."""
        for period in self.periods:
            if period.holds(today):
                day = today - relativedelta(months=period.length)
                return datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)
        return None


class KeepingFile(Source):
    """What `schemas/keeping.yaml` holds."""

    sources: dict[str, Words]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Past:
    """How many events a rule lets go, all from before `before`."""

    rule: str
    before: datetime.datetime
    count: int


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """The rules in their order; raises SourceError for what contradicts itself."""
    file, document = read(path or schemas("keeping.yaml"), KeepingFile)
    if mistakes := list(_mistakes(file)):
        raise document.error(*mistakes)
    return tuple(_named(rule, file.sources) for rule in file.rules)


def _named(rule: Rule, sources: dict[str, Words]) -> Rule:
    """The rule with its sources as people read them."""
    periods = tuple(period.model_copy(update={"law": sources[period.source]}) for period in rule.periods)
    return rule.model_copy(update={"periods": periods})


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """The rules of `schemas/keeping.yaml`, read once."""
    return load_rules()


def _mistakes(file: KeepingFile) -> Iterator[tuple[Place, str]]:
    for n, rule in enumerate(file.rules):
        if (rule.keep is None) == (not rule.periods):
            yield ("rules", n), f"{rule.name} needs either 'keep: always' or periods"
        for m, period in enumerate(rule.periods):
            if period.unit != "months" or period.source not in file.sources:
                yield ("rules", n, "periods", m), "a period is told in months, with one of the sources above"
    if not file.rules or file.rules[-1].kinds or file.rules[-1].verbs:
        yield ("rules",), "the last rule must fit every event"


def past(session: AnySession, today: datetime.date, known: tuple[Rule, ...] | None = None) -> list[Past]:
    """What each rule would delete; nothing is changed."""
    found = []
    for rule, condition, cutoff in _cutoffs(today, known or rules()):
        count = session.scalar(select(func.count()).select_from(Event).where(condition)) or 0
        found.append(Past(rule.name, cutoff, count))
    return found


def delete_past(session: AnySession, today: datetime.date, known: tuple[Rule, ...] | None = None) -> list[Past]:
    """Delete what is past, a batch of each rule; the caller commits and calls again until every count is 0."""
    done = []
    for rule, condition, cutoff in _cutoffs(today, known or rules()):
        gone = list(session.scalars(select(Event).where(condition).order_by(Event.id).limit(AT_ONCE)))
        if gone:
            _delete(session, rule, cutoff, gone)
        done.append(Past(rule.name, cutoff, len(gone)))
    return done


def _cutoffs(today: datetime.date, known: tuple[Rule, ...]) -> Iterator[tuple[Rule, ColumnElement[bool], datetime.datetime]]:
    """Each rule that deletes, with the condition on its events: it fits, no rule before it does, and the time is past."""
    earlier: ColumnElement[bool] = false()
    for rule in known:
        if cutoff := rule.cutoff(today):
            yield rule, and_(rule.fits(), not_(earlier), Event.at < cutoff), cutoff
        earlier = or_(earlier, rule.fits())


def _delete(session: AnySession, rule: Rule, cutoff: datetime.datetime, gone: list[Event]) -> None:
    ids = [event.id for event in gone]
    session.execute(insert(DeletedEvent), [{"id": event.id, "hash": digest_of(event)} for event in gone])
    session.execute(delete(Event).where(Event.id.in_(ids)).execution_options(synchronize_session=False))
    told = {"rule": rule.name, "before": cutoff.isoformat(), "count": len(ids), "ids": ranges_of(ids)}
    append(session, KEPT, rule.name, told)

"""Dated terms of law, read from `schemas/terms.yaml`."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Interval, MinLen
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.yaml_source import Place, Source, read, schemas
from pydantic import model_validator

Unit = Literal["working_days", "calendar_days", "months", "hours"]


class Period(Source):
    """The length of a term from `since` until `until` (exclusive), None is an unknown limit; `source` names a text of law."""

    length: Annotated[int, Interval(ge=1, le=3660)]
    unit: Unit
    since: datetime.date | None = None
    until: datetime.date | None = None
    source: str
    law: Words | None = None
    verified: bool

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must lie before until")
        return self

    def holds(self, date: datetime.date) -> bool:
        return (self.since is None or self.since <= date) and (self.until is None or date < self.until)


class Term(Source):
    """A term of law by name, with the periods in which it had this length or that."""

    name: str = ""
    label: Words
    on_change: Literal["old", "longer"] = "old"
    periods: Annotated[tuple[Period, ...], MinLen(1)]

    def period_at(self, date: datetime.date) -> Period:
        """The period in force on `date`; LookupError when the law of that day is not known."""
        for period in self.periods:
            if period.holds(date):
                return period
        raise LookupError(f"{self.name} has no period in force on {date}")


class TermsFile(Source):
    """What `schemas/terms.yaml` holds: texts of law by a short name, terms by name."""

    sources: dict[str, Words]
    terms: dict[str, Term]


def load_terms(path: Path | None = None) -> dict[str, Term]:
    """Terms by name; raises SourceError, also for overlapping periods of one term and for sources that are not listed."""
    file, document = read(path or schemas("terms.yaml"), TermsFile)
    if mistakes := [mistake for name, term in file.terms.items() for mistake in _mistakes(name, term, file.sources)]:
        raise document.error(*mistakes)
    return {name: _named(name, term, file.sources) for name, term in file.terms.items()}


@lru_cache(maxsize=1)
def terms() -> dict[str, Term]:
    """The terms of `schemas/terms.yaml`, read once."""
    return load_terms()


def _named(name: str, term: Term, sources: dict[str, Words]) -> Term:
    """The term with its name and with its sources as people read them."""
    periods = tuple(period.model_copy(update={"law": sources[period.source]}) for period in term.periods)
    return term.model_copy(update={"name": name, "periods": periods})


def _mistakes(name: str, term: Term, sources: dict[str, Words]) -> Iterator[tuple[Place, str]]:
    for n, period in enumerate(term.periods):
        if period.source not in sources:
            yield ("terms", name, "periods", n, "source"), f"there is no source '{period.source}'"
    ordered = sorted(term.periods, key=lambda period: period.since or datetime.date.min)
    for one, two in pairwise(ordered):
        if one.until is None or one.until > (two.since or datetime.date.min):
            yield ("terms", name, "periods"), f"two periods of {name} are in force at once"

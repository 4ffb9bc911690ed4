"""Old versions are thinned out by the rules of `schemas/versions.yaml`: of a day, month or year the last one is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.yaml_source import Place, Source, read, schemas
from ckanext.kzopen.rows import folding
from ckanext.kzopen.rows.model import Version, lock
from sqlalchemy import func, select
from sqlalchemy.orm import Session

SYSTEM = "system:rows"
LENGTHS = {"day": 10, "month": 7, "year": 4}
"""Versions whose dates in ISO form begin alike for so many characters are of one day, month, year."""


class Rule(Source):
    """Of versions older than `after_days` days, one a day, month or year is kept."""

    after_days: int
    keep_one_a: Literal["day", "month", "year"]


class VersionsFile(Source):
    """What `schemas/versions.yaml` holds."""

    every_night: bool
    thinning: tuple[Rule, ...]


@dataclass(frozen=True)
class Thinned:
    """Versions of one data set that go, and how many stay."""

    package_id: str
    uri: str
    numbers: tuple[int, ...]
    left: int


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """The rules; raises SourceError for what contradicts itself."""
    return load(path).thinning


def load(path: Path | None = None) -> VersionsFile:
    """The rules, and whether they are applied every night; raises SourceError for what contradicts itself."""
    file, document = read(path or schemas("versions.yaml"), VersionsFile)
    if mistakes := list(_mistakes(file)):
        raise document.error(*mistakes)
    return file


def _mistakes(file: VersionsFile) -> Iterator[tuple[Place, str]]:
    for n, rule in enumerate(file.thinning):
        if rule.after_days < 1:
            yield ("thinning", n, "after_days"), "versions of today are never thinned out: give 1 day or more"


def too_many(made: Iterable[tuple[int, datetime]], rules: Iterable[Rule], today: date) -> set[int]:
    """The numbers of the versions that go, of those that are there with the moments when they were made."""
    versions = sorted(made)
    gone: set[int] = set()
    for rule in rules:
        last: dict[str, int] = {}
        for number, moment in versions[:-1]:
            day = moment.astimezone(ASTANA).date()
            if number in gone or (today - day).days < rule.after_days:
                continue
            period = day.isoformat()[: LENGTHS[rule.keep_one_a]]
            if period in last:
                gone.add(last[period])
            last[period] = number
    return gone


def planned(session: Session, rules: Iterable[Rule], today: date) -> Iterator[Thinned]:
    """What the rules would take from each data set."""
    known, packages = tuple(rules), select(Version.package_id, Version.uri).distinct().order_by(Version.uri)
    for package_id, uri in session.execute(packages).all():
        readable = Version.package_id == package_id, Version.withdrawn.is_(None), Version.thinned.is_(None)
        made = [(row.number, row.created) for row in session.execute(select(Version.number, Version.created).where(*readable))]
        if gone := too_many(made, known, today):
            yield Thinned(package_id, uri, tuple(sorted(gone)), len(made) - len(gone))


def thin_at_night(session: Session, files_url: str, file: VersionsFile, today: date) -> int:
    """Apply the rules, where they are switched on for every night; how many versions went. Commits."""
    plans = list(planned(session, file.thinning, today)) if file.every_night else []
    for plan in plans:
        thin(session, files_url, plan)
    return sum(len(plan.numbers) for plan in plans)


def thin(session: Session, files_url: str, plan: Thinned) -> None:
    """Let the versions go: others get their own ways first, then nobody is given them any more, then the files; commits.

    Whenever this ends before its end, the same rules find what is left to do.
    """
    gone = set(plan.numbers)
    folding.release(session, files_url, plan.package_id, gone)
    lock(session, plan.package_id)
    wanted = Version.package_id == plan.package_id, Version.number.in_(gone), Version.thinned.is_(None)
    for version in session.scalars(select(Version).where(*wanted)):
        version.thinned = func.now()
    told = {"uri": plan.uri, "numbers": list(plan.numbers)}
    write_event(session, kind="dataset", object_id=plan.package_id, verb="thin", actor=SYSTEM, new=told)
    folding.forget(session, files_url, plan.package_id, gone)

"""The rules of people, read from `schemas/people.yaml`; pure, without database or request."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Interval
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.yaml_source import Source, SourceError, read, schemas


class Level(StrEnum):
    """The levels of identity that law and sections name."""

    anonymous = "anonymous"
    email_confirmed = "email_confirmed"
    iin_confirmed = "iin_confirmed"
    organisation = "organisation"
    accredited_organisation = "accredited_organisation"
    expert = "expert"
    council_member = "council_member"


BY_MAIL = (Level.anonymous, Level.email_confirmed)
"""Levels that nobody confirms by hand."""


class LevelRule(Source):
    """What a level is called and needs; `number` is checked and remembered, `months` is how long it lasts by default."""

    rank: int
    label: Words
    needs: Words
    number: Literal["iin", "bin"] | None = None
    months: int | None = None


class Deletion(Source):
    """What becomes of public words of a deleted account, and the name that stands beside them."""

    public_words: Literal["keep_without_name"]
    name: Words


class SecondFactor(Source):
    """The roles that may do nothing without a second factor."""

    required_for: tuple[str, ...]


Days = Annotated[int, Interval(ge=1, le=90)]


class Keeping(Source):
    """How many days something personal is kept: an invitation after its end, a table of staff after it was looked at only,
    and after it was imported."""

    invitations: Days
    staff_looked_at: Days
    staff_imported: Days


class PeopleFile(Source):
    """What `schemas/people.yaml` holds."""

    levels: dict[Level, LevelRule]
    second_factor: SecondFactor
    deletion: Deletion
    keeping: Keeping


@lru_cache(maxsize=1)
def rules() -> PeopleFile:
    """The rules in force; a mistake in them stops the start with its place."""
    return rules_of(schemas("people.yaml"))


def rules_of(path: Path) -> PeopleFile:
    """The rules of one file. Raises SourceError, also where a level is missing or two have one rank."""
    found, document = read(path, PeopleFile)
    missing = [level for level in Level if level not in found.levels]
    ranks = [rule.rank for rule in found.levels.values()]
    mistakes = [f"the level {level} is missing" for level in missing]
    if len(set(ranks)) != len(ranks):
        mistakes.append("two levels have one rank")
    if mistakes:
        raise SourceError(path, [(document.line(("levels",)), sentence) for sentence in mistakes])
    return found

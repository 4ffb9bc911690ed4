"""The roles of the staff and their rights, read from `schemas/roles.yaml`; pure, without database or request.

    roles:
      author:
        label: {kk: Автор, ru: Автор, en: Author}
        agency: yes                    # held in one agency; no: in the whole portal
        ckan: editor                   # the role in CKAN's organisation that follows
        rights:
          own: [datasets.*, publishing.deliver]

Refused, with file, line and sentence: a right that no section names, a right given twice to a role, the reach `own` or
`subordinates` of a role without an agency, CKAN's organisation roles without an agency, a missing language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from ckanext.kzopen.core.texts import Words, in_language
from ckanext.kzopen.core.yaml_source import Place, Source, read, schemas
from pydantic import Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
RightName = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))$")]
ReachName = Literal["own", "subordinates", "all"]
Capacity = Literal["member", "editor", "admin", "sysadmin"]
CAPACITIES = ("member", "editor", "admin")
"""CKAN's roles in an organisation, the weakest first."""
OPERATOR = "operator"
ADMINISTRATOR = "agency_administrator"


class Reach(IntEnum):
    """How far a right goes from the agency in which its role is held."""

    own = 1
    subordinates = 2
    all = 3


class Section(Source):
    """The rights of one section of the product by verb, with their words."""

    label: Words
    rights: dict[Name, Words]


class Role(Source):
    """One role of the staff as the file tells it."""

    label: Words
    agency: bool
    ckan: Capacity | None = None
    stands_for: Capacity | None = None
    delegable: bool = True
    rights: dict[ReachName, tuple[RightName, ...]]


class Listed(Source):
    """The file: every right there is, and what each role holds."""

    sections: dict[Name, Section]
    roles: dict[Name, Role]


class Added(Source):
    """A section's own file: its rights, and which of the known roles hold them."""

    sections: dict[Name, Section]
    roles: Mapping[Name, dict[ReachName, tuple[RightName, ...]]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Roles:
    """All roles and rights that are known: `held` says how far each right of a role goes."""

    sections: Mapping[str, Section]
    roles: Mapping[str, Role]
    held: Mapping[str, Mapping[str, Reach]]

    @cached_property
    def every(self) -> frozenset[str]:
        """Every right that there is."""
        return frozenset(self.rights())

    def rights(self) -> list[str]:
        """Every right, `section.verb`, in the order of the files."""
        return [f"{name}.{verb}" for name, section in self.sections.items() for verb in section.rights]

    def words(self, right: str) -> Words:
        """The words of a right."""
        section, verb = right.split(".")
        return self.sections[section].rights[verb]

    def standing_for(self, capacity: str) -> tuple[str, ...]:
        """The roles of somebody who has this role in CKAN and was assigned nothing here."""
        return tuple(name for name, role in self.roles.items() if role.stands_for == capacity)


def load(path: Path) -> Roles:
    """The roles of one file; raises SourceError that names every mistake with its line."""
    listed, document = read(path, Listed)
    known = _all_rights(listed.sections)
    if mistakes := [m for name, role in listed.roles.items() for m in _mistakes(name, role, known)]:
        raise document.error(*mistakes)
    held = {name: _held(role.rights, known) for name, role in listed.roles.items()}
    return Roles(listed.sections, listed.roles, held)


def merged(base: Roles, path: Path) -> Roles:
    """`base` with the rights of a section's own file; raises SourceError as `load` does."""
    added, document = read(path, Added)
    known = _all_rights(added.sections)
    if mistakes := [*_taken(base, added), *_unknown(base, added, known)]:
        raise document.error(*mistakes)
    held = {
        name: {**rights, **_held(added.roles.get(name, {}), known), **_everything(base.roles[name], known)}
        for name, rights in base.held.items()
    }
    return Roles({**base.sections, **added.sections}, base.roles, held)


def _all_rights(sections: Mapping[str, Section]) -> list[str]:
    return [f"{name}.{verb}" for name, section in sections.items() for verb in section.rights]


def _meant(pattern: str, known: Iterable[str]) -> list[str]:
    """The rights that `section.verb`, `section.*` or `*` means."""
    if pattern == "*":
        return list(known)
    section, _, verb = pattern.partition(".")
    return [right for right in known if right == pattern or (verb == "*" and right.startswith(f"{section}."))]


def _held(rights: Mapping[ReachName, tuple[str, ...]], known: list[str]) -> dict[str, Reach]:
    """Every right with its reach; of two reaches the farther one counts."""
    found: dict[str, Reach] = {}
    for reach in sorted(rights, key=lambda name: Reach[name]):
        found |= {right: Reach[reach] for pattern in rights[reach] for right in _meant(pattern, known)}
    return found


def _everything(role: Role, known: list[str]) -> dict[str, Reach]:
    """The new rights of a role that holds every right of the product."""
    return {right: Reach[reach] for reach, patterns in role.rights.items() if "*" in patterns for right in known}


Mistakes = Iterator[tuple[Place, str]]


def _mistakes(name: str, role: Role, known: list[str]) -> Mistakes:
    for reach, patterns in role.rights.items():
        for place, pattern in ((("roles", name, "rights", reach, n), p) for n, p in enumerate(patterns)):
            if not _meant(pattern, known):
                yield place, f"no section names the right '{pattern}'"
            elif pattern in patterns[: int(place[-1])]:
                yield place, f"'{pattern}' is given twice"
        if not role.agency and reach != "all":
            yield ("roles", name, "rights", reach), f"'{name}' is not held in an agency, so its reach must be 'all'"
    if not role.agency and role.ckan in CAPACITIES:
        yield ("roles", name, "ckan"), f"'{name}' is not held in an agency, so it cannot make a CKAN {role.ckan}"
    if role.agency and role.ckan not in CAPACITIES:
        yield ("roles", name, "ckan"), f"'{name}' is held in an agency, so CKAN's role must be one of {', '.join(CAPACITIES)}"


def _taken(base: Roles, added: Added) -> Mistakes:
    for name in added.sections:
        if name in base.sections:
            yield ("sections", name), f"the section '{name}' is there already"


def _unknown(base: Roles, added: Added, known: list[str]) -> Mistakes:
    for name, rights in added.roles.items():
        if name not in base.roles:
            yield ("roles", name), f"there is no role '{name}'"
            continue
        for reach, patterns in rights.items():
            if not base.roles[name].agency and reach != "all":
                yield ("roles", name, reach), f"'{name}' is not held in an agency, so its reach must be 'all'"
            for number, pattern in enumerate(patterns):
                if not _meant(pattern, known):
                    yield ("roles", name, reach, number), f"this file names no right '{pattern}'"


_added: dict[Path, None] = {}


@lru_cache(maxsize=1)
def known() -> Roles:
    """The roles of `schemas/roles.yaml` with what the sections added."""
    found = load(schemas("roles.yaml"))
    for path in _added:
        found = merged(found, path)
    return found


def register(path: Path) -> None:
    """Add the rights of a section that does not lie in `schemas/roles.yaml`; the same file may be registered again."""
    if path not in _added:
        merged(known(), path)  # a mistake is told before anything changes
        _added[path] = None
        known.cache_clear()


def unregister(path: Path) -> None:
    """Take back what `register` added."""
    _added.pop(path, None)
    known.cache_clear()


REACH_WORDS: dict[Reach, Words] = {
    Reach.own: {"kk": "өз органы", "ru": "свой орган", "en": "own agency"},
    Reach.subordinates: {"kk": "органы мен бағыныстылары", "ru": "орган и подведомственные", "en": "agency and subordinates"},
    Reach.all: {"kk": "барлық органдар", "ru": "все органы", "en": "all agencies"},
}


@dataclass(frozen=True)
class Line:
    """One right of the table of rights: its words, and how far it goes for each role that holds it."""

    right: str
    words: Words
    reach: Mapping[str, Words]


def table() -> list[tuple[Words, list[Line]]]:
    """Role × right × reach, by section: what the page and the command show."""
    found = known()
    return [
        (section.label, [_line(found, f"{name}.{verb}", words) for verb, words in section.rights.items()])
        for name, section in found.sections.items()
    ]


def _line(found: Roles, right: str, words: Words) -> Line:
    reach = {role: REACH_WORDS[held[right]] for role, held in found.held.items() if right in held}
    return Line(right, words, reach)


def as_text(language: str) -> Iterator[str]:
    """The table of rights for a terminal: each right with the roles that hold it."""
    for label, lines in table():
        yield in_language(label, language)
        for line in lines:
            yield f"  {line.right:<22} {in_language(line.words, language)}"
            for role, reach in line.reach.items():
                yield f"      {in_language(known().roles[role].label, language)}: {in_language(reach, language)}"

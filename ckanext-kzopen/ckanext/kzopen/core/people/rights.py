"""May somebody do something, for this agency? Every check of a right of the staff ends here.

A right is `section.verb` of `schemas/roles.yaml`. The roles of a person are read once in a request, by a few statements;
every further question is answered without SQL. Outside a request nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ckan import model
from ckanext.kzopen.core.agencies.tree import subordinates_of_each
from ckanext.kzopen.core.people import programs, roles
from ckanext.kzopen.core.people.assignments.reading import Assignment, held, person_id
from ckanext.kzopen.core.people.roles import Reach
from ckanext.kzopen.core.people.systems.model import is_actor, system_of
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.web.errors import KzError
from flask import g, has_request_context

__all__ = ["Assignment", "acting_for", "agencies_with", "allowed", "forget", "require", "roles_of"]

KEPT = "kzopen_rights"
SYSTEM_RIGHTS = ("datasets.see", "datasets.change", "publishing.see", "publishing.deliver", "publishing.approve")
"""What an information system may do; it reads nothing of other sections."""


@dataclass(frozen=True)
class Grant:
    """How far one right of one person goes: everywhere, or in these agencies; and whose right it is in which agency."""

    everywhere: bool = False
    agencies: frozenset[str] = frozenset()
    for_whom: Mapping[str | None, str | None] = field(default_factory=dict)


NOTHING = Grant()


@dataclass(frozen=True)
class Held:
    """What one person holds: the roles, and the rights that follow."""

    assignments: tuple[Assignment, ...] = ()
    grants: Mapping[str, Grant] = field(default_factory=dict)


def allowed(actor: str, right: str, of: Any = None) -> bool:
    """Whether `actor` (an account's id or name, "" = anonymous) holds `right`, a LookupError where no section names it.

    `of` is an agency's id, or an object or mapping with `agency_id` or `owner_org`; None asks whether in any agency. An
    object without an agency, and the agency "", are for those only whose right goes everywhere.
    """
    grant = _grant(actor, right)
    if grant.everywhere:
        return True
    return bool(grant.agencies) if of is None else agency_of(of) in grant.agencies


def require(actor: str, right: str, of: Any = None) -> None:
    """Raise KzError web.not_allowed unless `allowed`."""
    if not allowed(actor, right, of):
        raise KzError("web.not_allowed", right=right)


def agencies_with(actor: str, right: str) -> frozenset[str] | None:
    """The ids of the agencies for which `actor` holds `right`; None = for all."""
    grant = _grant(actor, right)
    return None if grant.everywhere else grant.agencies


def roles_of(actor: str) -> tuple[Assignment, ...]:
    """The roles that `actor` holds now, with those held in the place of somebody who is away."""
    return _held(actor).assignments


def acting_for(actor: str, right: str, of: Any = None) -> str | None:
    """The id of whom `actor` substitutes when using `right`; None when the right is their own, or they do not have it."""
    people = _grant(actor, right).for_whom
    if of is None:
        found = set(people.values())
        return None if None in found or not found else sorted(str(one) for one in found)[0]
    agency = agency_of(of)
    whose = [people[place] for place in (None, agency) if place in people]
    return None if None in whose or not whose else whose[0]


def agency_of(of: Any) -> str:
    """The agency's id of what is asked about; "" when it has none, a TypeError when it is nothing that could have one."""
    if isinstance(of, str):
        return of
    for name in ("agency_id", "owner_org"):
        if isinstance(of, Mapping):
            if name in of:
                return str(of[name] or "")
        elif hasattr(of, name):
            return str(getattr(of, name) or "")
    raise TypeError(f"{type(of).__name__} has neither agency_id nor owner_org")


def forget() -> None:
    """Read the roles again at the next question: something has changed in this request."""
    if has_request_context():
        g.pop(KEPT, None)


def _grant(actor: str, right: str) -> Grant:
    if right not in roles.known().every:
        raise LookupError(f"no section names the right '{right}'")
    return _held(actor).grants.get(right, NOTHING)


def _held(actor: str) -> Held:
    if not actor:
        return Held()
    if not has_request_context():
        return load(model.Session, actor)
    kept: dict[str, Held] = g.setdefault(KEPT, {})
    if actor not in kept:
        kept[actor] = load(model.Session, actor)
    return kept[actor]


def load(session: AnySession, actor: str, at: datetime | None = None) -> Held:
    """What an active account holds at a moment (default: now), or an information system; nothing for anybody else."""
    if is_actor(actor):
        return of_system(session, actor)
    if programs.is_program(actor):
        return of_program(session, actor)
    person = person_id(session, actor)
    if person is None:
        return Held()
    assignments = held(session, person, at or datetime.now(UTC))
    return Held(assignments, granted(session, assignments))


def of_system(session: AnySession, actor: str) -> Held:
    """An information system publishes for its agency; which of the data sets are its own is asked where they are changed."""
    system = system_of(session, actor)
    if system is None:
        return Held()
    return _publishing_for(system.agency_id)


def of_program(session: AnySession, actor: str) -> Held:
    """A part of the portal that publishes for an agency may do what that agency's information systems may."""
    program = programs.program_of(session, actor)
    return _publishing_for(program.agency_id) if program is not None else Held()


def _publishing_for(agency: str) -> Held:
    grant = Grant(agencies=frozenset({agency}), for_whom={agency: None})
    return Held(grants=dict.fromkeys(SYSTEM_RIGHTS, grant))


def granted(session: AnySession, assignments: tuple[Assignment, ...]) -> dict[str, Grant]:
    """The rights that follow from these roles.

    Whose own right goes everywhere is not asked where else: an operator is, by CKAN's custom, an administrator of each
    agency that they have entered, and there are thousands.
    """
    each = [(one, right, reach) for one in assignments for right, reach in roles.known().held[one.role].items()]
    everywhere = {right for one, right, reach in each if one.for_whom is None and _goes_everywhere(one, reach)}
    left = [(one, right, reach) for one, right, reach in each if right not in everywhere]
    tops = {one.agency for one, _right, reach in left if one.agency is not None and reach is Reach.subordinates}
    below = subordinates_of_each(session, tops)
    found: dict[str, dict[str | None, str | None]] = {right: {None: None} for right in everywhere}
    for one, right, reach in left:
        people = found.setdefault(right, {})
        for place in _places(one, reach, below):
            people[place] = None if people.get(place, one.for_whom) is None else one.for_whom
    return {
        right: Grant(None in people, frozenset(place for place in people if place is not None), people)
        for right, people in found.items()
    }


def _goes_everywhere(one: Assignment, reach: Reach) -> bool:
    return reach is Reach.all or one.agency is None


def _places(one: Assignment, reach: Reach, below: Mapping[str, frozenset[str]]) -> frozenset[str | None]:
    """Where a right goes: None stands for everywhere."""
    if one.agency is None or reach is Reach.all:
        return frozenset({None})
    return below[one.agency] if reach is Reach.subordinates else frozenset({one.agency})

"""Who holds which role now: assignments, what CKAN says where it was changed behind them, and substitution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import Row, text

Source = Literal["assigned", "ckan", "substitution"]
Handed = TypeVar("Handed", bound=Any)
"""A row that says who substitutes whom: `absent`, `substitute`, `role`, `agency`."""


@dataclass(frozen=True)
class Assignment:
    """A role that `person` holds now in an agency (None = the whole portal).

    `source` says where from: assigned here; given by CKAN's own pages or API; or held in the place of `for_whom`, who is
    away. `until` is exclusive; None = until further notice.
    """

    person: str
    role: str
    agency: str | None
    source: Source = "assigned"
    since: datetime | None = None
    until: datetime | None = None
    for_whom: str | None = None


# Where CKAN's role is the one that was given (both may be missing), the assignments decide; else CKAN's word stands.
_HELD = text(
    """
    SELECT a.person, a.agency, a.role, NULL AS capacity, a.since, a.until
    FROM kzopen.assignment a
    JOIN "user" u ON u.id = a.person AND u.state = 'active'
    LEFT JOIN "group" g ON g.id = a.agency AND g.state = 'active' AND g.is_organization
    LEFT JOIN kzopen.membership given ON given.person = a.person AND given.agency = a.agency
    LEFT JOIN member m
        ON m.group_id = a.agency AND m.table_name = 'user' AND m.table_id = a.person AND m.state = 'active'
    WHERE a.person = ANY (CAST(:people AS text[])) AND a.role <> 'operator'
      AND a.since <= :at AND (a.until IS NULL OR a.until > :at)
      AND (a.agency IS NULL OR (g.id IS NOT NULL AND given.capacity IS NOT DISTINCT FROM m.capacity))
    UNION ALL
    SELECT m.table_id, m.group_id, NULL, m.capacity, NULL, NULL
    FROM member m
    JOIN "user" u ON u.id = m.table_id AND u.state = 'active'
    JOIN "group" g ON g.id = m.group_id AND g.state = 'active' AND g.is_organization
    LEFT JOIN kzopen.membership given ON given.person = m.table_id AND given.agency = m.group_id
    WHERE m.table_id = ANY (CAST(:people AS text[])) AND m.table_name = 'user' AND m.state = 'active'
      AND m.capacity IS DISTINCT FROM given.capacity
    UNION ALL
    SELECT u.id, NULL, NULL, 'sysadmin', NULL, NULL
    FROM "user" u WHERE u.id = ANY (CAST(:people AS text[])) AND u.state = 'active' AND u.sysadmin
    """
)
_DELEGATED = text(
    """
    SELECT d.absent, d.substitute, d.agency, d.role, d.since, d.until
    FROM kzopen.delegation d JOIN "user" u ON u.id = d.substitute AND u.state = 'active'
    WHERE d.substitute = :person AND d.revoked IS NULL AND d.since <= :at AND d.until > :at
    """
)
_PERSON = text("""SELECT id FROM "user" WHERE (id = :actor OR name = :actor) AND state = 'active'""")


def person_id(session: AnySession, actor: str) -> str | None:
    """The id of an active account by its id or name; None when there is none."""
    found = session.execute(_PERSON, {"actor": actor}).scalar()
    return None if found is None else str(found)


def own(session: AnySession, people: Iterable[str], at: datetime) -> list[Assignment]:
    """The roles that these people hold themselves; substitution does not count."""
    rows = session.execute(_HELD, {"people": sorted(set(people)), "at": at}).all()
    return [found for row in rows for found in _assignments(row)]


def held(session: AnySession, person: str, at: datetime) -> tuple[Assignment, ...]:
    """All roles of a person, with those of whom they substitute (see `handed_over`)."""
    delegated = session.execute(_DELEGATED, {"person": person, "at": at}).all()
    found = own(session, {person, *(row.absent for row in delegated)}, at)
    handed = [
        Assignment(person, row.role, row.agency, "substitution", row.since, row.until, row.absent)
        for row in handed_over(delegated, found)
    ]
    return (*(one for one in found if one.person == person), *handed)


def handed_over(delegations: Sequence[Handed], found: Iterable[Assignment]) -> list[Handed]:
    """The substitutions that give rights, by the own roles of absent and substitutes, which are `found`.

    The absent holds the role: one that was itself handed over goes no further. The substitute holds some role, in whatever
    agency: who is not of the staff any more acts for nobody.
    """
    held_now = {(one.person, one.role, one.agency) for one in found}
    staff = {person for person, _role, _agency in held_now}
    return [row for row in delegations if row.substitute in staff and (row.absent, row.role, row.agency) in held_now]


def _assignments(row: Row[Any]) -> list[Assignment]:
    person, agency, role, capacity, since, until = row
    if role is not None:
        return [Assignment(person, role, agency, "assigned", since, until)] if role in roles.known().roles else []
    return [Assignment(person, name, agency, "ckan") for name in roles.known().standing_for(capacity)]

"""The people of an agency go over to its successor with their roles, also with those that begin later, and substitutions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ckan import model
from ckanext.kzopen.core.agencies.model import AnySession
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.people.assignments import change, membership
from ckanext.kzopen.core.people.assignments.model import AssignmentRow, Delegation
from ckanext.kzopen.core.people.assignments.reading import person_id
from sqlalchemy import or_, select

CLOCK = "system:agencies"


def members(session: AnySession, from_agency: str, to_agency: str) -> int:
    """How many people went. What CKAN alone knows of them is first written down as roles; who has more there keeps it."""
    now = datetime.now(UTC)
    membership.lock(session, roles.ADMINISTRATOR, from_agency)  # as whoever ends a role does, before any person's lock
    people = sorted({*session.scalars(_assigned(from_agency, now)), *session.scalars(_members(from_agency))})
    for person in people:
        _roles(session, person, from_agency, to_agency, now)
    substitutes = _substitutions(session, from_agency, to_agency, now)
    for person in substitutes:
        for agency in (from_agency, to_agency):
            membership.lock(session, person, agency)
            membership.settle(session, person, agency, now)
    _left_over(session, from_agency, to_agency)
    session.flush()
    return len({*people, *substitutes})


def _roles(session: AnySession, person: str, from_agency: str, to_agency: str, now: datetime) -> None:
    membership.lock(session, person, from_agency)
    membership.adopt(session, person, from_agency, now)
    active = person_id(session, person) is not None
    for row in list(session.scalars(membership.open_assignments(person, from_agency, now))):
        since, until = max(row.since, now), row.until
        if active and (until is None or until > since):
            change.assign(session, person, row.role, to_agency, CLOCK, since=since, until=until, at=now)
        change.end(session, row, CLOCK, at=now)


def _substitutions(session: AnySession, from_agency: str, to_agency: str, now: datetime) -> list[str]:
    rows = select(Delegation).where(Delegation.agency == from_agency, Delegation.revoked.is_(None), Delegation.until > now)
    found = list(session.scalars(rows))
    for row in found:
        row.agency = to_agency
    session.flush()
    return sorted({row.substitute for row in found})


def _left_over(session: AnySession, from_agency: str, to_agency: str) -> None:
    """Members for whom no role of ours stands, such as CKAN's plain `member`."""
    there = set(session.scalars(_members(to_agency)))
    rows = select(model.Member).where(*_of(from_agency))
    for place in session.scalars(rows):
        if place.table_id in there:
            place.state = "deleted"
        else:
            place.group_id = to_agency


def _assigned(agency: str, now: datetime) -> Any:
    row = AssignmentRow
    return select(row.person).where(
        row.agency == agency, or_(row.until.is_(None), (row.until > now) & (row.until > row.since))
    )


def _members(agency: str) -> Any:
    return select(model.Member.table_id).where(*_of(agency))


def _of(agency: str) -> tuple[Any, ...]:
    return model.Member.group_id == agency, model.Member.table_name == "user", model.Member.state == "active"

"""CKAN's role in an organisation follows from the assignments, in the transaction that changes them.

`settle` compares three things of a person in an agency: what CKAN's table says, what was given because of assignments, and
what the roles of this moment ask for. A change that somebody made through CKAN is first written down as assignments (`adopt`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ckan import model
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.people.assignments.model import AssignmentRow, Delegation, Membership
from ckanext.kzopen.core.people.assignments.reading import handed_over, own
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import Select, insert, or_, select, text, update

BY_CKAN = "system:ckan"
"""Whom the tables name where somebody changed a role through CKAN's own pages or API."""

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.membership ' || :person || ' ' || :agency, 0))")


def lock(session: AnySession, person: str, agency: str | None) -> None:
    """One at a time changes what a person is in an agency; until the end of the transaction."""
    session.execute(_LOCK, {"person": person, "agency": agency or ""})


def settle(session: AnySession, person: str, agency: str | None, at: datetime) -> bool:
    """Tell CKAN what the person's roles of this moment ask for; whether anything changed. Lock and adopt first."""
    session.flush()
    if agency is None:
        return False
    wanted, given = capacity_for(_roles_in_effect(session, person, agency, at)), _given(session, person, agency)
    if wanted == (given.capacity if given else None):
        return False
    if wanted is None:
        session.delete(given)
    elif given is None:
        session.add(Membership(person=person, agency=agency, capacity=wanted))
    else:
        given.capacity = wanted
    _tell_ckan(session, person, agency, wanted)
    session.flush()
    return True


def adopt(session: AnySession, person: str, agency: str | None, at: datetime) -> None:
    """Write down as assignments what CKAN says of the person in the agency, where it was changed behind them."""
    if agency is None:
        return
    said, given = ckan_capacity(session, person, agency), _given(session, person, agency)
    if said == (given.capacity if given else None):
        return
    stands_for = roles.known().standing_for(said) if said else ()
    open_rows = list(session.scalars(open_assignments(person, agency, at)))
    for row in open_rows:
        if row.role not in stands_for:
            row.until, row.ended_by = max(at, row.since), BY_CKAN
    there = {row.role for row in open_rows}
    session.add_all(_by_ckan(person, agency, role, at) for role in stands_for if role not in there)
    if given is not None:
        session.delete(given)
        session.flush()
    if said is not None and stands_for:
        session.add(Membership(person=person, agency=agency, capacity=said))
    session.flush()


def open_assignments(person: str, agency: str | None, at: datetime) -> Select[tuple[AssignmentRow]]:
    """The assignments of a person in an agency (None = in the whole portal) that have not ended at `at`."""
    ends_later = or_(AssignmentRow.until.is_(None), AssignmentRow.until > at)
    return select(AssignmentRow).where(
        AssignmentRow.person == person, AssignmentRow.agency.is_not_distinct_from(agency), ends_later
    )


def capacity_for(names: Iterable[str]) -> str | None:
    """The strongest of CKAN's roles that these roles ask for."""
    asked = {roles.known().roles[name].ckan for name in names}
    return next((capacity for capacity in reversed(roles.CAPACITIES) if capacity in asked), None)


def ckan_capacity(session: AnySession, person: str, agency: str) -> str | None:
    """What CKAN's own table says of a person in an organisation."""
    return session.scalar(
        select(model.Member.capacity).where(
            model.Member.group_id == agency,
            model.Member.table_name == "user",
            model.Member.table_id == person,
            model.Member.state == "active",
        )
    )


def _given(session: AnySession, person: str, agency: str) -> Membership | None:
    found: Membership | None = session.get(Membership, (person, agency))
    return found


def _by_ckan(person: str, agency: str, role: str, at: datetime) -> AssignmentRow:
    return AssignmentRow(person=person, agency=agency, role=role, since=at, assigned_by=BY_CKAN)


def _roles_in_effect(session: AnySession, person: str, agency: str, at: datetime) -> set[str]:
    """By the dates of assignments and of substitution; whether CKAN agrees is not asked."""
    dated = select(AssignmentRow.role).where(
        AssignmentRow.person == person,
        AssignmentRow.agency == agency,
        AssignmentRow.since <= at,
        or_(AssignmentRow.until.is_(None), AssignmentRow.until > at),
    )
    found = set(session.scalars(dated)) | _delegated(session, person, agency, at)
    return {name for name in found if name in roles.known().roles}


def _delegated(session: AnySession, person: str, agency: str, at: datetime) -> set[str]:
    query = select(Delegation).where(
        Delegation.substitute == person,
        Delegation.agency == agency,
        Delegation.revoked.is_(None),
        Delegation.since <= at,
        Delegation.until > at,
    )
    delegations = list(session.scalars(query))
    found = own(session, [person, *(row.absent for row in delegations)], at) if delegations else []
    return {row.role for row in handed_over(delegations, found)}


def _tell_ckan(session: AnySession, person: str, agency: str, capacity: str | None) -> None:
    """Write CKAN's row of the member in this transaction; its own action commits."""
    found = session.scalar(
        select(model.Member.id)
        .where(model.Member.group_id == agency, model.Member.table_name == "user", model.Member.table_id == person)
        .order_by(model.Member.state)
        .limit(1)
    )
    if found is not None:
        change = {"state": "deleted"} if capacity is None else {"state": "active", "capacity": capacity}
        session.execute(update(model.Member).where(model.Member.id == found).values(**change))
    elif capacity is not None:
        values = {"id": model.types.make_uuid(), "group_id": agency, "table_name": "user", "table_id": person}
        session.execute(insert(model.Member).values(**values, capacity=capacity, state="active"))

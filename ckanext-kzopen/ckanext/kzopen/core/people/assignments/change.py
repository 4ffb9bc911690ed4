"""Give and take away roles: checks, assignment, CKAN's membership, event and outbox row, all in the caller's transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ckan import model
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.people import rights, roles
from ckanext.kzopen.core.people.assignments import last, membership
from ckanext.kzopen.core.people.assignments.model import AssignmentRow
from ckanext.kzopen.core.people.assignments.reading import person_id
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select, update

KIND = "person"
SYSTEM = "system:"


def assign(
    session: AnySession,
    person: str,
    role: str,
    agency: str | None,
    by: str,
    since: datetime | None = None,
    until: datetime | None = None,
    address: str | None = None,
    at: datetime | None = None,
) -> AssignmentRow:
    """Give a person (account's id or name) a role in an agency (organisation's id; None = the whole portal).

    What the person holds already stays as it is and is returned. `by` is an account, or `system:<process>`, which is not
    asked for its right. Raises KzError: roles.unknown_role, roles.needs_agency, roles.takes_no_agency,
    roles.unknown_agency, roles.unknown_person, roles.ends_before_it_begins, web.not_allowed.
    """
    now = at or datetime.now(UTC)
    check_place(session, role, agency)
    who = known_person(session, person)
    require_assign(by, role, agency)
    begins = since or now
    if until is not None and until <= begins:
        raise KzError("roles.ends_before_it_begins")
    membership.lock(session, who, agency)
    membership.adopt(session, who, agency, now)
    if (there := _held(session, who, role, agency, begins)) is not None:
        return there
    row = AssignmentRow(person=who, role=role, agency=agency, since=begins, until=until, assigned_by=by)
    session.add(row)
    _settle(session, who, role, agency, now)
    _tell(session, "assign", row, by, address, at)
    return row


def end(
    session: AnySession,
    row: AssignmentRow,
    by: str,
    reason: str | None = None,
    address: str | None = None,
    at: datetime | None = None,
) -> None:
    """Take a role away from now on; one that has ended stays as it is. Raises KzError web.not_allowed, roles.last_operator."""
    now = at or datetime.now(UTC)
    require_assign(by, row.role, row.agency)
    lock(session, row.person, row.role, row.agency)
    membership.adopt(session, row.person, row.agency, now)
    if row.until is not None and row.until <= now:
        return
    if row.role == roles.OPERATOR:
        _keep_an_operator(session, row.person)
    row.until, row.ended_by = max(now, row.since), by
    _settle(session, row.person, row.role, row.agency, now)
    _tell(session, "end_assignment", row, by, address, at, reason)


def lock(session: AnySession, person: str, role: str, agency: str | None) -> None:
    """Lock what `end` looks at: first who could be the last one, so that two who end each other's role wait in one order."""
    if role in (roles.OPERATOR, roles.ADMINISTRATOR):
        membership.lock(session, role, agency)
    membership.lock(session, person, agency)


def require_assign(by: str, role: str, agency: str | None) -> None:
    """Raise KzError web.not_allowed unless `by` may give and take this role there."""
    if by.startswith(SYSTEM):
        return
    rights.require(by, "people.assign", "" if agency is None else agency)


def check_place(session: AnySession, role: str, agency: str | None) -> None:
    """Raise KzError unless there is such a role, and it is held where it is to be given."""
    known = roles.known().roles.get(role)
    if known is None:
        raise KzError("roles.unknown_role", role=role)
    if known.agency and agency is None:
        raise KzError("roles.needs_agency", role=known.label)
    if not known.agency and agency is not None:
        raise KzError("roles.takes_no_agency", role=known.label)
    if agency is not None and not _is_agency(session, agency):
        raise KzError("roles.unknown_agency", agency=agency)


def known_person(session: AnySession, person: str) -> str:
    """The id of an active account; KzError roles.unknown_person otherwise."""
    found = person_id(session, person)
    if found is None:
        raise KzError("roles.unknown_person", person=person)
    return found


def _is_agency(session: AnySession, agency: str) -> bool:
    query = select(model.Group.id).where(
        model.Group.id == agency, model.Group.is_organization.is_(True), model.Group.state == "active"
    )
    return session.scalar(query) is not None


def _held(session: AnySession, person: str, role: str, agency: str | None, at: datetime) -> AssignmentRow | None:
    """The open assignment of this role that holds at `at`."""
    query = membership.open_assignments(person, agency, at).where(AssignmentRow.role == role)
    return next((row for row in session.scalars(query) if row.since <= at), None)


def _settle(session: AnySession, person: str, role: str, agency: str | None, at: datetime) -> None:
    if role == roles.OPERATOR:
        session.flush()
        holds = _held(session, person, role, None, at) is not None
        session.execute(update(model.User).where(model.User.id == person).values(sysadmin=holds))
    membership.settle(session, person, agency, at)
    rights.forget()


def _keep_an_operator(session: AnySession, person: str) -> None:
    """The portal must not be left without anybody who may do everything, also when two end each other's role: `lock` first."""
    if last.is_last_operator(session, person):
        raise KzError("roles.last_operator")


def _tell(
    session: AnySession,
    verb: str,
    row: AssignmentRow,
    by: str,
    address: str | None,
    at: datetime | None,
    reason: str | None = None,
) -> None:
    told: dict[str, Any] = {"role": row.role, "agency": row.agency, "since": row.since, "until": row.until}
    write_event(
        session,
        kind=KIND,
        object_id=row.person,
        verb=verb,
        actor=by,
        at=at,
        address=address,
        new=told,
        reason=reason,
        agency=row.agency,
        in_place_of=None if by.startswith(SYSTEM) else rights.acting_for(by, "people.assign", row.agency or ""),
    )
    outbox.emit(session, f"{KIND}.{verb}", row.person, {"role": row.role, "agency": row.agency})

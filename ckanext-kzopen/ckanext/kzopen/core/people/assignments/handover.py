"""Who worked for an agency that is liquidated works for its successor: roles, substitution and invitations go over."""

from __future__ import annotations

from datetime import UTC, datetime

from ckanext.kzopen.core.agencies import ownership
from ckanext.kzopen.core.people.assignments import membership
from ckanext.kzopen.core.people.assignments.change import assign, end
from ckanext.kzopen.core.people.assignments.model import AssignmentRow, Delegation, Membership
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import or_, select, text, update

BATCH = 100
BY = "system:agencies"
_INVITATIONS = text(
    """
    UPDATE kzopen.invitation SET agency = :successor
    WHERE agency = :agency AND accepted IS NULL AND withdrawn IS NULL RETURNING id
    """
)


def move(session: AnySession, from_agency: str, to_agency: str) -> int:
    """At most BATCH assignments, and all substitution and invitations; the old assignments end and stay as history."""
    now = datetime.now(UTC)
    for person in session.scalars(select(Membership.person).where(Membership.agency == from_agency)):
        membership.adopt(session, person, from_agency, now)
    lasting = (AssignmentRow.until > now) & (
        AssignmentRow.until > AssignmentRow.since
    )  # one that was ended before it began is over
    running = or_(AssignmentRow.until.is_(None), lasting)
    rows = list(session.scalars(select(AssignmentRow).where(AssignmentRow.agency == from_agency, running).limit(BATCH)))
    for row in rows:
        until = row.until
        assign(session, row.person, row.role, to_agency, BY, since=max(now, row.since), until=until)
    delegated = _delegations(session, from_agency, to_agency, now)
    for row in rows:
        end(session, row, BY, reason="liquidated")
    invited = session.execute(_INVITATIONS, {"agency": from_agency, "successor": to_agency}).all()
    return len(rows) + delegated + len(invited)


def _delegations(session: AnySession, from_agency: str, to_agency: str, now: datetime) -> int:
    mine = (Delegation.agency == from_agency, Delegation.revoked.is_(None), Delegation.until > now)
    substitutes = list(session.scalars(select(Delegation.substitute).where(*mine)))
    session.execute(update(Delegation).where(*mine).values(agency=to_agency))
    for person in substitutes:
        for agency in (from_agency, to_agency):
            membership.lock(session, person, agency)
            membership.adopt(session, person, agency, now)
            membership.settle(session, person, agency, now)
    return len(substitutes)


def register() -> None:
    """Once in a process."""
    ownership.register("assignments", move)

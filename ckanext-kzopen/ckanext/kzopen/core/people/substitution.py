"""Substitution during leave: somebody acts with the rights of one who is away, from a day until a day.

The rights of the absent are handed over role by role, and no farther: who substitutes cannot hand on what is not their own,
and a role that the absent loses is lost to the substitute too. Who holds no role of their own substitutes nobody. Days are
those of Astana; the last day counts. It ends by date by itself.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.people import rights, roles
from ckanext.kzopen.core.people.assignments import membership
from ckanext.kzopen.core.people.assignments.change import known_person
from ckanext.kzopen.core.people.assignments.model import Delegation
from ckanext.kzopen.core.people.assignments.reading import own
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import Select, or_, select

LONGEST = timedelta(days=366)
KIND = "person"


def delegate(
    session: AnySession,
    absent: str,
    substitute: str,
    role: str,
    agency: str | None,
    first: date,
    last: date,
    by: str,
    address: str | None = None,
) -> Delegation:
    """Let `substitute` act with `absent`'s role in an agency from `first` to `last`, both inclusive; nothing is committed.

    `by` is the absent person, or an administrator who holds people.substitute there with people.assign. Raises KzError:
    roles.unknown_person, roles.not_of_the_staff, roles.not_ones_own_role, roles.not_to_be_delegated, roles.oneself,
    roles.ends_before_it_begins, roles.too_long, roles.is_over, roles.substituted_already, web.not_allowed.
    """
    away, here = known_person(session, absent), known_person(session, substitute)
    _may(session, by, away, agency)
    now, since, until = datetime.now(UTC), _midnight(first), _midnight(last + timedelta(days=1))
    _check(session, away, here, role, agency, now)
    _check_days(first, last, until, now)
    membership.lock(session, here, agency)
    membership.adopt(session, here, agency, now)
    if session.scalars(_overlapping(away, role, agency, since, until)).first() is not None:
        raise KzError("roles.substituted_already")
    row = Delegation(
        absent=away, substitute=here, role=role, agency=agency, since=since, until=until, delegated_by=_id(session, by)
    )
    session.add(row)
    membership.settle(session, here, agency, now)
    rights.forget()
    _tell(session, "delegate", row, by, address)
    return row


def revoke(session: AnySession, row: Delegation, by: str, address: str | None = None) -> None:
    """End a substitution now; one that is over stays as it is. Raises KzError web.not_allowed."""
    _may(session, by, row.absent, row.agency)
    now = datetime.now(UTC)
    if row.revoked is None and row.until > now:
        _end(session, row, by, now, address)


def end_with_role(
    session: AnySession, absent: str, role: str, agency: str | None, by: str, address: str | None = None
) -> None:
    """End what the absent handed over, or was to hand over, of a role that they have lost; `by` has ended the role."""
    now = datetime.now(UTC)
    handed = (Delegation.absent == absent, Delegation.role == role, Delegation.agency.is_not_distinct_from(agency))
    for row in session.scalars(_lasting(now).where(*handed)).all():
        _end(session, row, by, now, address)


def end_of_outsider(session: AnySession, person: str, by: str, address: str | None = None) -> None:
    """End what others have handed to a person who holds no role any more; `by` has ended the last one."""
    now = datetime.now(UTC)
    if own(session, [person], now):
        return
    for row in session.scalars(_lasting(now).where(Delegation.substitute == person)).all():
        _end(session, row, by, now, address)


def _lasting(now: datetime) -> Select[tuple[Delegation]]:
    """Substitution that runs or is to come, the first first."""
    lasting = select(Delegation).where(Delegation.revoked.is_(None), Delegation.until > now)
    return lasting.order_by(Delegation.since, Delegation.id)


def _end(session: AnySession, row: Delegation, by: str, now: datetime, address: str | None) -> None:
    membership.lock(session, row.substitute, row.agency)
    membership.adopt(session, row.substitute, row.agency, now)
    row.revoked, row.revoked_by = now, _id(session, by)
    membership.settle(session, row.substitute, row.agency, now)
    rights.forget()
    _tell(session, "end_delegation", row, by, address)


def of_person(session: AnySession, person: str) -> list[Delegation]:
    """Substitution for this person and by this person that runs or is to come."""
    concerns = or_(Delegation.absent == person, Delegation.substitute == person)
    return list(session.scalars(_lasting(datetime.now(UTC)).where(concerns)))


def _may(session: AnySession, by: str, absent: str, agency: str | None) -> None:
    """The absent themselves, while they hold the right; or whoever assigns roles there."""
    rights.require(by, "people.substitute", agency or "")
    if _id(session, by) != absent:
        rights.require(by, "people.assign", agency or "")


def _check(session: AnySession, away: str, here: str, role: str, agency: str | None, now: datetime) -> None:
    if away == here:
        raise KzError("roles.oneself")
    held = {(one.person, one.role, one.agency) for one in own(session, [away, here], now)}
    if here not in {person for person, _role, _agency in held}:
        raise KzError("roles.not_of_the_staff", person=here)
    if (away, role, agency) not in held:
        raise KzError("roles.not_ones_own_role")
    if not roles.known().roles[role].delegable:
        raise KzError("roles.not_to_be_delegated", role=roles.known().roles[role].label)


def _check_days(first: date, last: date, until: datetime, now: datetime) -> None:
    if last < first:
        raise KzError("roles.ends_before_it_begins")
    if last - first >= LONGEST:
        raise KzError("roles.too_long", days=LONGEST.days)
    if until <= now:
        raise KzError("roles.is_over")


def _overlapping(absent: str, role: str, agency: str | None, since: datetime, until: datetime) -> Select[tuple[Delegation]]:
    return select(Delegation).where(
        Delegation.absent == absent,
        Delegation.role == role,
        Delegation.agency.is_not_distinct_from(agency),
        Delegation.revoked.is_(None),
        Delegation.since < until,
        Delegation.until > since,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ASTANA)


def _id(session: AnySession, actor: str) -> str:
    return known_person(session, actor)


def _tell(session: AnySession, verb: str, row: Delegation, by: str, address: str | None) -> None:
    told = {"substitute": row.substitute, "role": row.role, "agency": row.agency, "since": row.since, "until": row.until}
    actor = _id(session, by)
    right = "people.substitute" if actor == row.absent else "people.assign"
    write_event(
        session,
        kind=KIND,
        object_id=row.absent,
        verb=verb,
        actor=actor,
        address=address,
        new=told,
        agency=row.agency,
        in_place_of=rights.acting_for(by, right, row.agency or ""),
    )
    outbox.emit(session, f"{KIND}.{verb}", row.absent, {"substitute": row.substitute, "role": row.role})

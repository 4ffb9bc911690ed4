"""What begins and ends by date: CKAN is told when assignments and substitution come into effect and when they are over.

Rights follow the dates to the second by themselves; this brings CKAN's members after them, every few minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.people.assignments import membership
from ckanext.kzopen.core.people.assignments.reading import handed_over, own
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import text

_GIVEN = text("SELECT person, agency, capacity FROM kzopen.membership")
_IN_EFFECT = text(
    """
    SELECT person, agency, role FROM kzopen.assignment
    WHERE agency IS NOT NULL AND since <= :at AND (until IS NULL OR until > :at)
    """
)
_DELEGATED = text(
    """
    SELECT substitute, agency, role, absent FROM kzopen.delegation
    WHERE agency IS NOT NULL AND revoked IS NULL AND since <= :at AND until > :at
    """
)
_EXPIRED_OPERATORS = text(
    """
    UPDATE "user" u SET sysadmin = false
    FROM kzopen.assignment a
    WHERE a.person = u.id AND a.role = 'operator' AND a.until <= :at AND a.ended_by IS NULL AND u.sysadmin
      AND NOT EXISTS (
          SELECT FROM kzopen.assignment b WHERE b.person = u.id AND b.role = 'operator' AND b.since <= :at
          AND (b.until IS NULL OR b.until > :at))
    RETURNING a.id
    """
)
_SAY_EXPIRED = text("UPDATE kzopen.assignment SET ended_by = 'system:clock' WHERE id = ANY (CAST(:ids AS bigint[]))")


def keep_up(session: AnySession, at: datetime) -> int:
    """Tell CKAN what has changed by date until `at`; how many members it was told of. Commits after each."""
    changed = 0
    for person, agency in due(session, at):
        membership.lock(session, person, agency)
        membership.adopt(session, person, agency, at)
        changed += membership.settle(session, person, agency, at)
        session.commit()
    expired = list(session.execute(_EXPIRED_OPERATORS, {"at": at}).scalars())
    session.execute(_SAY_EXPIRED, {"ids": expired})
    session.commit()
    return changed + len(expired)


def due(session: AnySession, at: datetime) -> list[tuple[str, str]]:
    """People and agencies for which CKAN was told something else than what the roles of this moment ask for."""
    given = {(row.person, row.agency): row.capacity for row in session.execute(_GIVEN)}
    names: dict[tuple[str, str], set[str]] = {}
    for row in session.execute(_IN_EFFECT, {"at": at}):
        names.setdefault((row.person, row.agency), set()).add(row.role)
    delegated = session.execute(_DELEGATED, {"at": at}).all()
    found = own(session, {person for row in delegated for person in (row.absent, row.substitute)}, at)
    for row in handed_over(delegated, found):
        names.setdefault((row.substitute, row.agency), set()).add(row.role)
    wanted = {place: membership.capacity_for(held & roles.known().roles.keys()) for place, held in names.items()}
    return sorted(place for place in given.keys() | wanted.keys() if given.get(place) != wanted.get(place))


@jobs.task("people.keep_up_roles", cron="*/5 * * * *")
def keep_up_roles() -> None:
    """Every five minutes."""
    keep_up(model.Session, datetime.now(UTC))

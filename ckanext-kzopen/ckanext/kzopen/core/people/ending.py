"""Somebody ends a role of a person: the role with all that stems from it, and the person is told by mail.

What the person handed to a substitute ends with the role, and an invitation that would give it again does not work any more.
With the last role ends what others handed to the person. An agency keeps an administrator: only who assigns roles in the whole
portal, an operator, ends the role of the last one.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ckan import model
from ckan.lib.helpers import helper_functions as h
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.agencies.names import name_of
from ckanext.kzopen.core.people import invitations, rights, roles, substitution
from ckanext.kzopen.core.people.accounts.letters import language_of
from ckanext.kzopen.core.people.assignments import change, membership
from ckanext.kzopen.core.people.assignments.last import is_last_administrator
from ckanext.kzopen.core.people.assignments.model import AssignmentRow
from ckanext.kzopen.core.people.assignments.reading import person_id
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import or_, select

LONGEST = 1000
"""Characters of a reason."""


def end_role(
    session: AnySession, person: str, role: str, agency: str | None, by: str, reason: str, address: str | None = None
) -> bool:
    """End a role that a person (account's id or name) holds or is to hold in an agency (None = the whole portal).

    It may have come through CKAN's own pages. `by` is an account's id; nothing is committed. Returns whether the agency is
    left without an administrator. Raises KzError web.not_allowed where `by` could not give the role there,
    roles.reason_wanted, roles.not_held, roles.last_operator, roles.last_administrator, and roles.unknown_person, but only
    where `by` may see everybody: others do not learn from it who has an account.
    """
    change.require_assign(by, role, agency)
    why = reason.strip()
    if not 1 <= len(why) <= LONGEST:
        raise KzError("roles.reason_wanted", most=LONGEST)
    who = _person(session, person, by)
    rows = _rows(session, who, role, agency) if who else []
    if who is None or not rows:
        raise KzError("roles.not_held")
    leaves_none = leaves_no_administrator(session, who, role, agency)
    if leaves_none and not may_leave_none(by):
        raise KzError("roles.last_administrator")
    for row in rows:
        change.end(session, row, by, why, address)
    user = session.get_one(model.User, who)
    substitution.end_with_role(session, who, role, agency, by, address)
    substitution.end_of_outsider(session, who, by, address)
    if user.email:
        invitations.withdraw_with_role(session, user.email, role, agency, by, address)
    if mail.usable(user.email):
        _mail(session, user, role, agency, why)
    return leaves_none


def leaves_no_administrator(session: AnySession, person: str, role: str, agency: str | None) -> bool:
    """Whether the agency has no administrator when this role of an account (its id) has ended."""
    if role != roles.ADMINISTRATOR or agency is None:
        return False
    return is_last_administrator(session, person, agency, datetime.now(UTC))


def may_leave_none(by: str) -> bool:
    """Whether `by` may end the role of an agency's last administrator."""
    return rights.allowed(by, "people.assign", "")


def _person(session: AnySession, person: str, by: str) -> str | None:
    if rights.allowed(by, "people.see", ""):
        return change.known_person(session, person)
    return person_id(session, person)


def _rows(session: AnySession, person: str, role: str, agency: str | None) -> list[AssignmentRow]:
    """The assignments to end, with what CKAN alone knew of them until now."""
    now = datetime.now(UTC)
    change.lock(session, person, role, agency)
    membership.adopt(session, person, agency, now)
    lasting = or_(AssignmentRow.until.is_(None), AssignmentRow.until > AssignmentRow.since)  # else ended before it began
    rows = membership.open_assignments(person, agency, now).where(AssignmentRow.role == role, lasting)
    found = list(session.scalars(rows))
    if found or agency is not None or role != roles.OPERATOR:
        return found
    if not session.scalar(select(model.User.sysadmin).where(model.User.id == person)):
        return []
    by_ckan = AssignmentRow(person=person, role=role, agency=None, since=now, assigned_by=membership.BY_CKAN)
    session.add(by_ckan)
    session.flush()
    return [by_ckan]


def _mail(session: AnySession, user: model.User, role: str, agency: str | None, reason: str) -> None:
    language = language_of(session, user.id)
    known = roles.known().roles.get(role)
    values = {
        "role": in_language(known.label, language) if known else role,
        "agency": in_language(name_of(session, agency), language) if agency else "",
        "reason": reason,
        "portal": str(h.url_for("home.index", locale=language, _external=True)),
    }
    about = (f"person:{user.id}",)
    mail.queue(
        session, template="staff.role_ended", to=user.email, language=language, values=values, person=user.id, about=about
    )

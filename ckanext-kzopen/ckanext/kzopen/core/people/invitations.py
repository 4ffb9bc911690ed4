"""Invitations of staff by mail: a link that works once and for some days; accepting makes the account and the assignment.

Only the hash of the link's token is kept. Who has an account already gets the role by accepting while signed in to it or by
the same link: the mailbox proves who they are, as it does for a forgotten password.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.helpers import helper_functions as h
from ckanext.kzopen.core import jobs, mail
from ckanext.kzopen.core.agencies.names import name_of
from ckanext.kzopen.core.db import Base
from ckanext.kzopen.core.people import rights, roles
from ckanext.kzopen.core.people.accounts.signing_up import remember_confirmed
from ckanext.kzopen.core.people.assignments.change import assign, check_place, known_person, require_assign
from ckanext.kzopen.core.people.levels.rules import rules
from ckanext.kzopen.core.people.secrets import digest, new_token
from ckanext.kzopen.core.people.sign_in import password as passwords
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.texts import LANGUAGES, in_language
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import BigInteger, ColumnElement, DateTime, Identity, Select, Text, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

KIND = "invitation"


class Invitation(Base):
    """Somebody is asked to work here in a role; `accepted` and `person` say what came of it."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    agency: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    invited_by: Mapped[str] = mapped_column(Text)
    invited: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    accepted: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    person: Mapped[str | None] = mapped_column(Text)
    withdrawn: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True)
class Invited:
    """Who is invited, as it was typed or read from a table: name, e-mail, language, role, agency's id (None = portal)."""

    name: str
    email: str
    language: str
    role: str
    agency: str | None


def invite(session: AnySession, told: Invited, by: str, address: str | None = None) -> Invitation:
    """Mail an invitation in the caller's transaction; an earlier one to this address for this role ends.

    Raises KzError: those of `assignments.change.check_place`, roles.name_wanted, roles.wrong_language, mail.…, and
    web.not_allowed where `by` may not invite or not give this role there.
    """
    check_place(session, told.role, told.agency)
    rights.require(by, "people.invite", told.agency or "")
    require_assign(by, told.role, told.agency)
    _check(told)
    inviter, token = known_person(session, by), new_token()
    session.execute(
        update(Invitation).where(*_waiting_for(told.email, told.role, told.agency)).values(withdrawn=datetime.now(UTC))
    )
    expires = datetime.now(UTC) + timedelta(days=int(tk.config["kzopen.invitation_days"]))
    values = {"email": told.email.strip(), "name": told.name.strip(), "language": told.language, "role": told.role}
    row = Invitation(token_hash=digest(token), agency=told.agency, invited_by=inviter, expires=expires, **values)
    session.add(row)
    session.flush()
    _mail(session, row, token)
    told_event = {"role": row.role, "agency": row.agency, "expires": expires}
    instead = rights.acting_for(by, "people.invite", told.agency or "")
    write_event(
        session,
        kind=KIND,
        object_id=str(row.id),
        verb="invite",
        actor=inviter,
        address=address,
        new=told_event,
        agency=row.agency,
        in_place_of=instead,
    )
    return row


def look(session: AnySession, token: str) -> Invitation:
    """The invitation of a link, without using it up; KzError roles.invitation_over."""
    found = session.scalars(_open(token)).first()
    if found is None:
        raise KzError("roles.invitation_over")
    return found


def account_of(row: Invitation) -> model.User | None:
    """The account that the invited person has already."""
    return passwords.account(row.email)


def accept(session: AnySession, token: str, password: str | None, address: str | None = None) -> model.User:
    """Use the link up: the account is made if there is none, the role is given, in the caller's transaction.

    Of two requests at once one gets it. Who invited must still be allowed to; else it is roles.invitation_over.
    """
    row = session.scalars(_open(token).with_for_update()).first()
    if row is None or not rights.allowed(row.invited_by, "people.assign", row.agency or ""):
        raise KzError("roles.invitation_over")
    user = account_of(row) or _made(row, password or "")
    row.accepted, row.person = datetime.now(UTC), user.id
    remember_confirmed(session, user.id, row.language)
    assign(session, user.id, row.role, row.agency, row.invited_by, address=address)
    write_event(session, kind=KIND, object_id=str(row.id), verb="accept", actor=user.id, address=address, agency=row.agency)
    return user


def withdraw(session: AnySession, row: Invitation, by: str, address: str | None = None) -> None:
    """The link does not work any more. Raises KzError web.not_allowed."""
    rights.require(by, "people.invite", row.agency or "")
    if row.accepted is None and row.withdrawn is None:
        _withdraw(session, row, by, address)


def withdraw_with_role(
    session: AnySession, email: str, role: str, agency: str | None, by: str, address: str | None = None
) -> None:
    """Take back the invitations that would give this address a role again which `by` has ended."""
    for row in session.scalars(select(Invitation).where(*_waiting_for(email, role, agency))).all():
        _withdraw(session, row, by, address)


def _withdraw(session: AnySession, row: Invitation, by: str, address: str | None) -> None:
    row.withdrawn = datetime.now(UTC)
    session.flush()
    actor = known_person(session, by)
    write_event(session, kind=KIND, object_id=str(row.id), verb="withdraw", actor=actor, address=address, agency=row.agency)


def waiting(session: AnySession, agencies: frozenset[str] | None) -> list[Invitation]:
    """Invitations of these agencies (None = all) that were not answered, the newest first; expired ones too."""
    query = select(Invitation).where(Invitation.accepted.is_(None), Invitation.withdrawn.is_(None))
    if agencies is not None:
        query = query.where(Invitation.agency.in_(agencies))
    return list(session.scalars(query.order_by(Invitation.id.desc()).limit(200)))


def sweep(session: AnySession, now: datetime) -> None:
    """Forget who was invited, as long after the end of the link as `schemas/people.yaml` says, in the caller's transaction."""
    past = Invitation.expires < now - timedelta(days=rules().keeping.invitations)
    session.execute(delete(Invitation).where(past, Invitation.accepted.is_(None)))
    session.execute(update(Invitation).where(past, Invitation.email != "").values(name="", email=""))


@jobs.task("people.sweep_invitations", cron="17 3 * * *")
def sweep_invitations() -> None:
    """Invitations of strangers, answered or not, do not keep their names for ever."""
    sweep(model.Session, datetime.now(UTC))
    model.Session.commit()


def _open(token: str) -> Select[tuple[Invitation]]:
    return select(Invitation).where(
        Invitation.token_hash == digest(token),
        Invitation.accepted.is_(None),
        Invitation.withdrawn.is_(None),
        Invitation.expires > datetime.now(UTC),
    )


def _waiting_for(email: str, role: str, agency: str | None) -> tuple[ColumnElement[bool], ...]:
    return (
        func.lower(Invitation.email) == email.strip().lower(),
        Invitation.role == role,
        Invitation.agency.is_not_distinct_from(agency),
        Invitation.accepted.is_(None),
        Invitation.withdrawn.is_(None),
    )


def _check(told: Invited) -> None:
    mail.checked(told.email.strip())
    if not 2 <= len(told.name.strip()) <= 100:
        raise KzError("roles.name_wanted")
    if told.language not in LANGUAGES:
        raise KzError("roles.wrong_language", languages=", ".join(LANGUAGES))


def _mail(session: AnySession, row: Invitation, token: str) -> None:
    link = h.url_for("kzopen_invitation.accept", locale=row.language, _external=True, token=token)
    values = {
        "link": str(link),
        "until": row.expires,
        "role": in_language(roles.known().roles[row.role].label, row.language),
        "agency": in_language(name_of(session, row.agency), row.language) if row.agency else "",
        "portal": str(h.url_for("home.index", locale=row.language, _external=True)),
    }
    mail.queue(
        session,
        template="staff.invitation",
        to=row.email,
        language=row.language,
        values=values,
        until=row.expires,
        about=(f"invitation:{row.id}",),
    )


def _made(row: Invitation, password: str) -> model.User:
    """CKAN's account; its name stands in addresses of pages, so it tells nothing of the person."""
    name = f"u-{secrets.token_hex(6)}"
    told = {"name": name, "email": row.email, "fullname": row.name, "password": password}
    tk.get_action("user_create")({"ignore_auth": True, "user": "", "defer_commit": True}, told)
    user = model.User.get(name)
    assert user is not None  # noqa: S101 - just made
    return user

"""Import of staff from a table: preview with what is wrong by row, then invitations and roles by the worker.

Nothing is imported while rows are wrong, unless whoever imports chose the right ones only. Who has an account gets the role
at once; everybody else an invitation.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.db import Base
from ckanext.kzopen.core.people import invitations, rights, staff_table
from ckanext.kzopen.core.people.agency_index import AgencyIndex
from ckanext.kzopen.core.people.assignments.change import assign
from ckanext.kzopen.core.people.invitations import Invitation, Invited
from ckanext.kzopen.core.people.sign_in import password as passwords
from ckanext.kzopen.core.people.staff_table import StaffRow
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import DateTime, Text, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

RIGHT = "people.import"
TASK = "people.import_staff"
KEPT = timedelta(days=1)
"""A table that was previewed holds personal data: it is deleted after a day, imported or not."""


class StaffImport(Base):
    """A table of staff that somebody looks at before importing it; `rows` holds the lines that can be imported."""

    __tablename__ = "staff_import"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    person: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    received: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    rows: Mapped[dict[str, Any]] = mapped_column(JSONB)
    imported: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def preview(session: AnySession, content: bytes, file_name: str, by: str) -> tuple[StaffImport, list[StaffRow]]:
    """Read and check the table, keep its right rows for `start`; nothing is imported. KzError as `staff_table.read`."""
    rights.require(by, RIGHT)
    rows = staff_table.read(content)
    agencies = rights.agencies_with(by, RIGHT)
    staff_table.check(rows, AgencyIndex.load(session).find, lambda agency: agencies is None or agency in agencies)
    right = [asdict(row) for row in rows if not row.errors]
    kept = {"right": right, "wrong": len(rows) - len(right)}
    found = StaffImport(id=uuid4(), person=by, file_name=file_name[:255], rows=kept)
    session.add(found)
    session.flush()
    return found, rows


def start(session: AnySession, number: UUID, by: str, *, right_ones: bool, address: str | None = None) -> int:
    """Let the worker import the right rows; how many. KzError web.not_found, roles.rows_are_wrong, roles.imported_already."""
    found = session.get(StaffImport, number, with_for_update=True)
    if found is None or found.person != by:
        raise KzError("web.not_found")
    if found.imported is not None:
        raise KzError("roles.imported_already")
    if found.rows["wrong"] and not right_ones:
        raise KzError("roles.rows_are_wrong", rows=found.rows["wrong"])
    found.imported = datetime.now(UTC)
    count = len(found.rows["right"])
    write_event(
        session, kind="staff_import", object_id=str(number), verb="import", actor=by, address=address, new={"rows": count}
    )
    jobs.defer(session, TASK, number=str(number))
    return count


@jobs.task(TASK)
def import_staff(number: str) -> None:
    """The rows one by one, each in a transaction of its own; run again after a kill it leaves out what is done."""
    found = model.Session.get(StaffImport, UUID(number))
    rows, by = (list(found.rows["right"]), found.person) if found else ([], "")
    for row in rows:
        try:
            take(model.Session, row, by)
            model.Session.commit()
        except KzError as error:
            model.Session.rollback()
            _tell_refused(model.Session, number, row, by, error)


def take(session: AnySession, row: dict[str, Any], by: str) -> None:
    """One person: the role where there is an account, else an invitation, unless one waits already."""
    user = passwords.account(row["email"])
    if user is not None:
        assign(session, user.id, row["role"], row["agency_id"], by)
    elif not _invited(session, row):
        invitations.invite(session, Invited(row["name"], row["email"], row["language"], row["role"], row["agency_id"]), by)


def _tell_refused(session: AnySession, number: str, row: dict[str, Any], by: str, error: KzError) -> None:
    """What was right in the preview may have changed since: the event tells the row of the table and why."""
    told = {"row": row["number"], "code": error.code}
    write_event(session, kind="staff_import", object_id=number, verb="refuse_row", actor=by, new=told)
    session.commit()


def _invited(session: AnySession, row: dict[str, Any]) -> bool:
    query = select(Invitation.id).where(
        func.lower(Invitation.email) == row["email"].lower(),
        Invitation.role == row["role"],
        Invitation.agency.is_not_distinct_from(row["agency_id"]),
        Invitation.accepted.is_(None),
        Invitation.withdrawn.is_(None),
        Invitation.expires > datetime.now(UTC),
    )
    return session.scalars(query).first() is not None


@jobs.task("people.sweep_imports", cron="41 * * * *")
def sweep_imports() -> None:
    """Delete the tables that were previewed a day ago."""
    model.Session.execute(delete(StaffImport).where(StaffImport.received < datetime.now(UTC) - KEPT))
    model.Session.commit()

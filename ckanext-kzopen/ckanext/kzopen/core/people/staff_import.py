"""Import of staff from a table: preview with what is wrong by row, then invitations and roles by the worker.

Nothing is imported while rows are wrong, unless whoever imports chose the right ones only. Who has an account gets the role
at once; everybody else an invitation.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict, dataclass
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
from ckanext.kzopen.core.people.levels.rules import rules
from ckanext.kzopen.core.people.sign_in import password as passwords
from ckanext.kzopen.core.people.staff_table import StaffRow
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import DateTime, Text, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

RIGHT = "people.import"
TASK = "people.import_staff"
KIND = "staff_import"
DONE, INVITED, REFUSED = "done", "invited", "refused"

log = logging.getLogger(__name__)


class StaffImport(Base):
    """A table of staff that somebody looks at before importing it.

    `rows` holds the lines that can be imported (`right`), how many cannot (`wrong`), and why, without names (`mistakes`).
    """

    __tablename__ = "staff_import"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    person: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    received: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    rows: Mapped[dict[str, Any]] = mapped_column(JSONB)
    imported: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class StaffImportRow(Base):
    """What became of the row `number` of a table: done, invited, or refused with a `problem`, an error's code and params."""

    __tablename__ = "staff_import_row"

    import_: Mapped[UUID] = mapped_column("import", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(Text)
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


@dataclass(frozen=True)
class Result:
    """What became of one row of a table; `outcome` is "" while it waits, `column` is where its mistake was seen before."""

    number: int
    outcome: str
    name: str = ""
    email: str = ""
    column: str = ""
    problem: KzError | None = None


def preview(session: AnySession, content: bytes, file_name: str, by: str) -> tuple[StaffImport, list[StaffRow]]:
    """Read and check the table, keep its right rows for `start`; nothing is imported. KzError as `staff_table.read`."""
    rights.require(by, RIGHT)
    rows = staff_table.read(content)
    agencies = rights.agencies_with(by, RIGHT)
    staff_table.check(rows, AgencyIndex.load(session).find, lambda agency: agencies is None or agency in agencies)
    right = [asdict(row) for row in rows if not row.errors]
    mistakes = [(row.number, column, _as_data(error, nameless=True)) for row in rows for column, error in row.errors]
    kept = {"right": right, "wrong": len(rows) - len(right), "mistakes": mistakes}
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
    for agency, count in Counter(row["agency_id"] for row in found.rows["right"]).items():
        _write(session, number, "import", by, agency, {"rows": count}, address)
    jobs.defer(session, TASK, number=str(number))
    return len(found.rows["right"])


def started_by(session: AnySession, person: str) -> list[StaffImport]:
    """The tables that somebody has imported and that are still kept, the newest first."""
    mine = (StaffImport.person == person, StaffImport.imported.is_not(None))
    return list(session.scalars(select(StaffImport).where(*mine).order_by(StaffImport.imported.desc())))


def results(session: AnySession, number: UUID, by: str) -> tuple[StaffImport, list[Result]]:
    """What became of each row of a table that `by` has imported, refused ones first; KzError web.not_found."""
    found = session.get(StaffImport, number)
    if found is None or found.person != by or found.imported is None:
        raise KzError("web.not_found")
    told = {row.number: row for row in session.scalars(select(StaffImportRow).where(StaffImportRow.import_ == number))}
    seen = [
        Result(row, REFUSED, column=column, problem=_as_error(error)) for row, column, error in found.rows.get("mistakes", ())
    ]
    taken = [_result(row, told.get(row["number"])) for row in found.rows["right"]]
    return found, sorted([*seen, *taken], key=lambda one: (one.outcome != REFUSED, one.number))


def _result(row: dict[str, Any], told: StaffImportRow | None) -> Result:
    problem = _as_error(told.problem) if told and told.problem else None
    return Result(row["number"], told.outcome if told else "", row["name"], row["email"], problem=problem)


@jobs.task(TASK)
def import_staff(number: str) -> None:
    """The rows one by one, each in a transaction of its own; run again after a kill it leaves out what is done."""
    found = model.Session.get(StaffImport, UUID(number))
    if found is None:
        return
    rows, by = list(found.rows["right"]), found.person
    done = set(model.Session.scalars(select(StaffImportRow.number).where(StaffImportRow.import_ == found.id)))
    for row in rows:
        if row["number"] not in done:
            _import_row(model.Session, UUID(number), row, by)


def _import_row(session: AnySession, number: UUID, row: dict[str, Any], by: str) -> None:
    """Whatever is wrong with a row, the others are imported; where the database fails, the job is tried again."""
    try:
        if _claimed(session, number, row):
            _say(session, number, row, outcome=take(session, row, by))
        session.commit()
    except OperationalError:
        raise
    except Exception as error:
        session.rollback()
        if not isinstance(error, KzError):
            log.exception("row %s of the import %s was not taken", row["number"], number)
        _refuse(session, number, row, by, error if isinstance(error, KzError) else KzError("roles.row_not_taken"))


def take(session: AnySession, row: dict[str, Any], by: str) -> str:
    """One person: the role where there is an account (DONE), else an invitation, unless one waits already (INVITED)."""
    user = passwords.account(row["email"])
    if user is not None:
        assign(session, user.id, row["role"], row["agency_id"], by)
        return DONE
    if not _invited(session, row):
        invitations.invite(session, Invited(row["name"], row["email"], row["language"], row["role"], row["agency_id"]), by)
    return INVITED


def _refuse(session: AnySession, number: UUID, row: dict[str, Any], by: str, error: KzError) -> None:
    """What was right in the preview may have changed since: the event tells the row of the table and why."""
    if _claimed(session, number, row):
        _say(session, number, row, outcome=REFUSED, problem=_as_data(error))
        _write(session, number, "refuse_row", by, row["agency_id"], {"row": row["number"], "code": error.code})
    session.commit()


def _claimed(session: AnySession, number: UUID, row: dict[str, Any]) -> bool:
    """Whether this transaction is the one to import the row; another worker that has the same job waits here for its end."""
    claim = insert(StaffImportRow).values(import_=number, number=row["number"], outcome="").on_conflict_do_nothing()
    return session.scalar(claim.returning(StaffImportRow.number)) is not None


def _say(session: AnySession, number: UUID, row: dict[str, Any], **values: Any) -> None:
    which = (StaffImportRow.import_ == number, StaffImportRow.number == row["number"])
    session.execute(update(StaffImportRow).where(*which).values(**values))


def _write(
    session: AnySession, number: UUID, verb: str, by: str, agency: str | None, new: dict[str, Any], address: str | None = None
) -> None:
    """An event that the agency of the rows finds in its log."""
    write_event(
        session,
        kind=KIND,
        object_id=str(number),
        verb=verb,
        actor=by,
        address=address,
        new=new,
        agency=agency,
        in_place_of=rights.acting_for(by, RIGHT, agency or ""),
    )


def _as_data(error: KzError, *, nameless: bool = False) -> dict[str, Any]:
    """An error to be kept, `nameless` without the address that was typed."""
    params = dict(error.params)
    if nameless and "address" in params:
        params["address"] = "…"
    return {"code": error.code, "params": params}


def _as_error(data: dict[str, Any]) -> KzError:
    return KzError(data["code"], **data["params"])


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
    """Delete tables with the names in them after the days of `schemas/people.yaml`."""
    days, now = rules().keeping, datetime.now(UTC)
    looked_at = and_(StaffImport.imported.is_(None), StaffImport.received < now - timedelta(days=days.staff_looked_at))
    model.Session.execute(
        delete(StaffImport).where(or_(looked_at, StaffImport.imported < now - timedelta(days=days.staff_imported)))
    )
    model.Session.commit()

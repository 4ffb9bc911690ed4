"""Import of staff from a workbook: read fast, checked by row and column, imported when somebody says so."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import xlsxwriter
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import staff_import, staff_table
from ckanext.kzopen.core.people.invitations import Invitation, Invited
from ckanext.kzopen.core.people.levels.rules import rules
from ckanext.kzopen.core.people.staff_import import StaffImport, StaffImportRow
from ckanext.kzopen.core.record import as_dict, events
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests.core.people.rights.conftest import Staff

HEADINGS = ("ФИО", "E-mail", "Орган (БИН, код или название)", "Рөлі", "Language")
BIN = "000140000012"


@pytest.fixture(autouse=True)
def _in_a_request(app: CKANTestApp, session: Any) -> Iterator[None]:
    with app.flask_app.test_request_context():
        yield


def book(*rows: tuple[object, ...], headings: tuple[str, ...] = HEADINGS) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as made:
        sheet = made.add_worksheet()
        for number, row in enumerate((headings, *rows)):
            sheet.write_row(number, 0, row)
    return target.getvalue()


def checked(content: bytes, find: dict[str, str] | None = None) -> list[tuple[int, str, str]]:
    """Row, column and code of everything that is wrong."""
    rows = staff_table.read(content)
    staff_table.check(rows, (find or {BIN: "agency-1"}).get, lambda agency: agency != "agency-2")
    return [(row.number, column, error.code) for row in rows for column, error in row.errors]


def code_of(content: bytes) -> str:
    with pytest.raises(KzError) as caught:
        staff_table.read(content)
    return caught.value.code


def test_headings_roles_and_languages_are_known_in_every_language() -> None:
    rows = staff_table.read(
        book(("Асан", "a@example.org", BIN, "Автор", "Қазақша"), ("Б В", "b@example.org", BIN, "approver", "RU"))
    )
    assert [(row.role, row.language) for row in rows] == [("author", "kk"), ("approver", "ru")]


def test_a_bin_that_the_workbook_holds_as_a_number_keeps_its_zeros() -> None:
    assert staff_table.read(book(("Асан", "a@example.org", 140000012, "author", "kk")))[0].agency == BIN


def test_what_is_wrong_is_told_by_row_and_column() -> None:
    content = book(
        ("Асан Усенов", "a@example.org", BIN, "author", "kk"),
        ("", "a@example", BIN, "author", "kk"),
        ("Асан Усенов", "b@example.org", "nowhere", "author", "kk"),
        ("Асан Усенов", "c@example.org", BIN, "tsar", "de"),
        ("Асан Усенов", "A@example.org", BIN, "Автор", "kk"),
        ("Асан Усенов", "d@example.org", "", "author", "kk"),
        ("Асан Усенов", "e@example.org", "other", "author", "kk"),
        ("Асан Усенов", "f@example.org", BIN, "moderator", "kk"),
    )
    assert checked(content, {BIN: "agency-1", "other": "agency-2"}) == [
        (3, "name", "roles.name_wanted"),
        (3, "email", "mail.bad_address"),
        (4, "agency", "roles.unknown_agency"),
        (5, "language", "roles.wrong_language"),
        (5, "role", "roles.unknown_role"),
        (6, "email", "roles.twice_in_the_table"),
        (7, "agency", "roles.needs_agency"),
        (8, "agency", "roles.not_your_agency"),
        (9, "agency", "roles.takes_no_agency"),
    ]


def test_a_file_that_is_no_table_of_staff_is_refused() -> None:
    assert code_of(b"not a workbook") == "roles.not_a_workbook"
    assert code_of(book(("x",), headings=("Name",))) == "roles.no_columns"
    assert code_of(book()) == "roles.no_rows"


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_template_is_a_table_that_can_be_read(language: str) -> None:
    content = staff_table.template(language, ("Асан Усенов", "a@example.org", BIN, "author", "kk"))
    assert checked(content) == []


def test_the_staff_of_the_real_portal_is_checked_in_seconds() -> None:
    content = book(*(("Асан Усенов", f"person-{n}@example.org", BIN, "author", "kk") for n in range(7788)))
    began = time.process_time()
    assert checked(content) == []
    assert time.process_time() - began < 5


def previewed(staff: Staff, *rows: tuple[object, ...]) -> tuple[StaffImport, str, str]:
    """A table that an administrator has looked at: the import, who, and the agency."""
    agency = staff.agency()
    by = staff.made("agency_administrator", agency)
    found, _ = staff_import.preview(staff.session, book(*((*row[:2], agency, *row[2:]) for row in rows)), "staff.xlsx", by)
    return found, by, agency


def test_nothing_is_imported_while_rows_are_wrong_unless_the_right_ones_are_chosen(staff: Staff) -> None:
    found, by, _ = previewed(staff, ("Асан Усенов", "a@example.org", "author", "kk"), ("Б", "b", "author", "kk"))
    with pytest.raises(KzError) as caught:
        staff_import.start(staff.session, found.id, by, right_ones=False)
    assert caught.value.code == "roles.rows_are_wrong"
    assert staff_import.start(staff.session, found.id, by, right_ones=True) == 1
    with pytest.raises(KzError) as again:
        staff_import.start(staff.session, found.id, by, right_ones=True)
    assert again.value.code == "roles.imported_already"


def test_another_persons_table_is_not_imported(staff: Staff) -> None:
    found, _, _ = previewed(staff, ("Асан Усенов", "a@example.org", "author", "kk"))
    with pytest.raises(KzError) as caught:
        staff_import.start(staff.session, found.id, staff.person(sysadmin=True), right_ones=True)
    assert caught.value.code == "web.not_found"


def test_who_has_an_account_gets_the_role_and_the_others_one_invitation_each(staff: Staff) -> None:
    person = staff.person()
    staff.session.get_one(model.User, person).email = "known@example.org"
    found, _, agency = previewed(
        staff, ("Асан Усенов", "Known@example.org", "author", "kk"), ("Дана Ли", "new@example.org", "approver", "ru")
    )
    for _ in range(2):  # a worker that was killed does it again
        staff_import.import_staff(str(found.id))
    assert staff.roles(person) == {("author", agency)}
    sent = staff.session.scalars(select(Invitation).where(Invitation.agency == agency)).all()
    assert [(row.email, row.role, row.language) for row in sent] == [("new@example.org", "approver", "ru")]


def outcomes(staff: Staff, found: StaffImport, by: str) -> list[tuple[int, str, str]]:
    """Row, outcome and code of what was wrong, as the page tells them."""
    _, rows = staff_import.results(staff.session, found.id, by)
    return [(row.number, row.outcome, row.problem.code if row.problem else "") for row in rows]


def test_each_row_has_its_outcome_and_its_refusal_stands_in_the_log_of_its_agency(staff: Staff) -> None:
    person = staff.person()
    staff.session.get_one(model.User, person).email = "known@example.org"
    found, by, agency = previewed(
        staff,
        ("Асан Усенов", "known@example.org", "author", "kk"),
        ("Б", "b", "author", "kk"),
        ("Дана Ли", "new@example.org", "author", "ru"),
        ("Ержан Ким", "other@example.org", "author", "ru"),
    )
    rows = [dict(row) for row in found.rows["right"]]
    rows[2]["role"] = "tsar"  # a role that is gone since the preview
    found.rows = found.rows | {"right": rows}
    staff_import.start(staff.session, found.id, by, right_ones=True)
    staff.session.commit()
    kept = [error["params"].get("address") for _, _, error in found.rows["mistakes"]]
    assert kept == [None, "…"], "what was typed is not kept"
    seen = [(3, "refused", "roles.name_wanted"), (3, "refused", "mail.bad_address")]
    assert outcomes(staff, found, by) == [*seen, (2, "", ""), (4, "", ""), (5, "", "")]
    for _ in range(2):
        staff_import.import_staff(str(found.id))
    refused = (5, "refused", "roles.unknown_role")
    assert outcomes(staff, found, by) == [*seen, refused, (2, "done", ""), (4, "invited", "")]
    told = [as_dict(event) for event in events(staff.session, kind="staff_import", object_id=str(found.id))]
    assert [(one["verb"], one["agency"], one["new"]) for one in told] == [
        ("import", agency, {"rows": 3}),
        ("refuse_row", agency, {"row": 5, "code": "roles.unknown_role"}),
    ]
    with pytest.raises(KzError):
        staff_import.results(staff.session, found.id, person)


def test_one_bad_row_keeps_no_other_from_being_imported(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    found, by, _ = previewed(
        staff, *((name, f"{name}@example.org", "author", "kk") for name in ("first", "second", "third", "fourth"))
    )
    wrong = {"first": tk.ValidationError({"email": ["no"]}), "third": RuntimeError("unforeseen")}
    invite = staff_import.invitations.invite

    def fails(session: Any, told: Invited, by: str) -> Invitation:
        if told.name in wrong:
            raise wrong[told.name]
        return invite(session, told, by)

    monkeypatch.setattr(staff_import.invitations, "invite", fails)
    staff_import.start(staff.session, found.id, by, right_ones=False)
    staff.session.commit()
    staff_import.import_staff(str(found.id))
    assert outcomes(staff, found, by) == [
        (2, "refused", "roles.row_not_taken"),
        (4, "refused", "roles.row_not_taken"),
        (3, "invited", ""),
        (5, "invited", ""),
    ]


def test_a_database_that_fails_refuses_no_row(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    found, by, _ = previewed(staff, ("Асан Усенов", "a@example.org", "author", "kk"))
    away = OperationalError("SELECT", {}, Exception("the connection is lost"))
    monkeypatch.setattr(staff_import, "take", lambda *_: (_ for _ in ()).throw(away))
    staff_import.start(staff.session, found.id, by, right_ones=False)
    staff.session.commit()
    with pytest.raises(OperationalError):
        staff_import.import_staff(str(found.id))
    staff.session.rollback()
    assert outcomes(staff, found, by) == [(2, "", "")]


def test_a_table_is_deleted_with_its_names_after_the_days_of_the_rules(staff: Staff) -> None:
    days = rules().keeping
    kept = []
    for imported, age in ((False, days.staff_looked_at), (True, days.staff_looked_at), (True, days.staff_imported)):
        for hours in (-1, 1):
            found, by, _ = previewed(staff, ("Асан Усенов", "a@example.org", "author", "kk"))
            if imported:
                staff_import.start(staff.session, found.id, by, right_ones=False)
                staff_import.import_staff(str(found.id))
            moment = datetime.now(UTC) - timedelta(days=age, hours=hours)
            found.received, found.imported = moment, moment if imported else None
            kept.append(found.id)
    staff.session.commit()
    staff_import.sweep_imports()
    left = set(staff.session.scalars(select(StaffImport.id).where(StaffImport.id.in_(kept))))
    assert [number in left for number in kept] == [True, False, True, True, True, False]
    rows = select(StaffImportRow.import_).where(StaffImportRow.import_.in_(kept))
    assert set(staff.session.scalars(rows)) == set(kept[2:5])

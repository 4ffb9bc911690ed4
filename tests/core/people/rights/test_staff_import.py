"""Import of staff from a workbook: read fast, checked by row and column, imported when somebody says so."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
import xlsxwriter
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import staff_import, staff_table
from ckanext.kzopen.core.people.invitations import Invitation
from ckanext.kzopen.core.people.staff_import import StaffImport
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select

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

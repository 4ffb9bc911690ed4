"""Giving and taking away roles: CKAN's membership goes with them, and what CKAN changes is seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ckan import model
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.assignments import handover
from ckanext.kzopen.core.people.assignments.change import assign, end
from ckanext.kzopen.core.people.assignments.model import AssignmentRow
from ckanext.kzopen.core.people.substitution import delegate
from ckanext.kzopen.core.record import as_dict, events
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select, text

from tests.core.people.rights.conftest import COLLEAGUE, TEST, Staff


def rows_of(staff: Staff, person: str) -> list[AssignmentRow]:
    return list(staff.session.scalars(select(AssignmentRow).where(AssignmentRow.person == person).order_by(AssignmentRow.id)))


def code_of(staff: Staff, *arguments: Any, **more: Any) -> str:
    with pytest.raises(KzError) as caught:
        assign(staff.session, *arguments, **more)
    return caught.value.code


@pytest.mark.parametrize(
    ("role", "capacity"), [("author", "editor"), ("approver", "member"), ("agency_administrator", "admin")]
)
def test_a_role_gives_ckans_membership_and_its_end_takes_it_away(staff: Staff, role: str, capacity: str) -> None:
    person, agency = staff.person(), staff.agency()
    row = assign(staff.session, person, role, agency, TEST)
    assert staff.in_ckan(person, agency) == capacity
    assert staff.roles(person) == {(role, agency)}
    end(staff.session, row, TEST)
    assert staff.in_ckan(person, agency) is None
    assert staff.roles(person) == set()


def test_of_several_roles_ckan_is_told_the_strongest_that_is_left(staff: Staff) -> None:
    person, agency = staff.person(), staff.agency()
    told = []
    rows = [assign(staff.session, person, role, agency, TEST) for role in ("approver", "author", "agency_administrator")]
    for row in reversed(rows):
        told.append(staff.in_ckan(person, agency))
        end(staff.session, row, TEST)
    assert told == ["admin", "editor", "member"]
    assert staff.in_ckan(person, agency) is None


@pytest.mark.parametrize("role", ["moderator", "methodologist"])
def test_a_role_in_the_whole_portal_makes_no_member(staff: Staff, role: str) -> None:
    person = staff.made(role)
    assert staff.roles(person) == {(role, None)}
    assert staff.session.scalar(select(model.Member.id).where(model.Member.table_id == person)) is None


def test_an_operator_is_ckans_sysadmin_as_long_as_the_role_lasts(staff: Staff) -> None:
    person = staff.person()
    staff.person(sysadmin=True)
    row = assign(staff.session, person, "operator", None, TEST)
    assert staff.session.get_one(model.User, person).sysadmin
    end(staff.session, row, TEST)
    assert not staff.session.get_one(model.User, person).sysadmin


def test_the_last_operator_stays(staff: Staff) -> None:
    staff.session.execute(text("""UPDATE "user" SET sysadmin = false"""))
    row = assign(staff.session, staff.person(), "operator", None, TEST)
    with pytest.raises(KzError) as caught:
        end(staff.session, row, TEST)
    assert caught.value.code == "roles.last_operator"
    assert staff.session.get_one(model.User, row.person).sysadmin


def test_the_event_and_the_outbox_tell_who_gave_what_to_whom(staff: Staff) -> None:
    person, agency = staff.person(), staff.agency()
    row = assign(staff.session, person, "author", agency, TEST, address="192.0.2.7")
    end(staff.session, row, TEST, reason="moved")
    told = [as_dict(event) for event in events(staff.session, kind="person", object_id=person)]
    assert [(one["verb"], one["actor"], one["reason"]) for one in told] == [
        ("assign", TEST, None),
        ("end_assignment", TEST, "moved"),
    ]
    assert (told[0]["new"]["role"], told[0]["new"]["agency"], told[0]["address"]) == ("author", agency, "192.0.2.7")
    found = staff.session.scalars(text("SELECT topic FROM kzopen.outbox WHERE key = :key ORDER BY id"), {"key": person})
    assert [topic for topic in found if topic.startswith("person.")] == ["person.assign", "person.end_assignment"]


def test_the_same_role_is_given_once(staff: Staff) -> None:
    person, agency = staff.person(), staff.agency()
    first = assign(staff.session, person, "author", agency, TEST)
    assert assign(staff.session, person, "author", agency, TEST) is first
    assert len(rows_of(staff, person)) == 1


def test_a_role_may_be_given_again_after_its_end(staff: Staff) -> None:
    person, agency = staff.person(), staff.agency()
    end(staff.session, assign(staff.session, person, "author", agency, TEST), TEST)
    assign(staff.session, person, "author", agency, TEST)
    assert staff.in_ckan(person, agency) == "editor"
    assert len(rows_of(staff, person)) == 2


def test_what_cannot_be_is_refused(staff: Staff) -> None:
    person, agency, now = staff.person(), staff.agency(), datetime.now(UTC)
    assert code_of(staff, person, "tsar", agency, TEST) == "roles.unknown_role"
    assert code_of(staff, person, "author", None, TEST) == "roles.needs_agency"
    assert code_of(staff, person, "moderator", agency, TEST) == "roles.takes_no_agency"
    assert code_of(staff, person, "author", "nowhere", TEST) == "roles.unknown_agency"
    assert code_of(staff, person, "author", staff.agency(state="deleted"), TEST) == "roles.unknown_agency"
    assert code_of(staff, "nobody", "author", agency, TEST) == "roles.unknown_person"
    assert code_of(staff, person, "author", agency, TEST, until=now - timedelta(1)) == "roles.ends_before_it_begins"
    assert rows_of(staff, person) == []


@pytest.mark.parametrize("role", ["author", "approver", "moderator", "methodologist"])
def test_who_may_not_assign_is_refused(staff: Staff, role: str) -> None:
    agency = staff.agency()
    by = staff.made(role, agency if role in ("author", "approver") else None)
    assert code_of(staff, staff.person(), "author", agency, by) == "web.not_allowed"


def test_an_agency_administrator_gives_roles_of_their_own_agency_only(staff: Staff) -> None:
    agency, person = staff.agency(), staff.person()
    by = staff.made("agency_administrator", agency)
    assign(staff.session, person, "approver", agency, by)
    assert staff.roles(person) == {("approver", agency)}
    assert code_of(staff, person, "author", staff.agency(), by) == "web.not_allowed"
    for role in ("moderator", "methodologist", "operator"):
        assert code_of(staff, by, role, None, by) == "web.not_allowed"


@pytest.mark.parametrize(
    ("said", "expected"),
    [("admin", {"agency_administrator"}), ("editor", {"author", "approver"}), ("member", set()), (None, set())],
)
def test_what_ckan_changes_behind_an_assignment_stands(staff: Staff, said: str | None, expected: set[str]) -> None:
    agency = staff.agency()
    person = staff.made("author" if said != "editor" else "agency_administrator", agency)
    staff.ckan_says(person, agency, said)
    assert staff.roles(person) == {(role, agency) for role in expected}


def test_what_ckan_changed_is_written_down_when_a_role_is_given(staff: Staff) -> None:
    person, agency = staff.person(), staff.agency()
    staff.ckan_says(person, agency, "editor")
    assign(staff.session, person, "agency_administrator", agency, TEST)
    assert staff.roles(person) == {(role, agency) for role in ("author", "approver", "agency_administrator")}
    assert {row.role: row.assigned_by for row in rows_of(staff, person)} == {
        "author": "system:ckan",
        "approver": "system:ckan",
        "agency_administrator": TEST,
    }


def test_whom_ckan_removed_gets_nothing_back_with_another_role(staff: Staff) -> None:
    agency = staff.agency()
    person = staff.made("agency_administrator", agency)
    staff.ckan_says(person, agency, None)
    assign(staff.session, person, "author", agency, TEST)
    assert staff.roles(person) == {("author", agency)}
    assert staff.in_ckan(person, agency) == "editor"


def test_nothing_remains_of_an_assignment_that_is_rolled_back(staff: Staff) -> None:
    person, agency = staff.person(), staff.agency()
    with staff.session.begin_nested() as savepoint:
        assign(staff.session, person, "author", agency, TEST)
        savepoint.rollback()
    staff.session.expire_all()
    assert staff.in_ckan(person, agency) is None
    assert staff.roles(person) == set()
    assert rights.allowed(person, "publishing.deliver", agency) is False


def test_who_worked_for_a_liquidated_agency_works_for_its_successor(staff: Staff) -> None:
    agency, successor = staff.agency(), staff.agency()
    person, substitute = staff.made("author", agency), staff.colleague()
    today = datetime.now(ASTANA).date()
    delegate(staff.session, person, substitute, "author", agency, today, today, person)
    while handover.move(staff.session, agency, successor):
        pass
    rights.forget()
    assert staff.roles(person) == staff.roles(substitute) - {COLLEAGUE} == {("author", successor)}
    assert {staff.in_ckan(one, agency) for one in (person, substitute)} == {None}
    assert {staff.in_ckan(one, successor) for one in (person, substitute)} == {"editor"}
    assert [(row.agency, row.until is None) for row in rows_of(staff, person)] == [(agency, False), (successor, True)]

"""Who may do what, for which agency."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import rights, roles
from ckanext.kzopen.core.web.errors import KzError

from tests.core.conftest import statements
from tests.core.people.rights.conftest import Staff


@pytest.mark.parametrize("role", list(roles.known().roles))
def test_a_role_holds_its_rights_in_its_reach_and_no_others(staff: Staff, role: str) -> None:
    own, other = staff.agency(), staff.agency()
    under = staff.agency(parent=staff.agency(parent=own))
    person = staff.made(role, own if roles.known().roles[role].agency else None)
    for right in roles.known().every:
        reach = roles.known().held[role].get(right)
        assert rights.allowed(person, right, own) is (reach is not None), right
        assert rights.allowed(person, right, other) is (reach is roles.Reach.all), right
        assert rights.allowed(person, right, under) is (reach in (roles.Reach.subordinates, roles.Reach.all)), right
        assert rights.allowed(person, right) is (reach is not None), right


def test_nobody_and_an_unknown_name_hold_nothing(staff: Staff) -> None:
    agency = staff.agency()
    for actor in ("", "nobody-of-that-name", "system:worker"):
        assert not rights.allowed(actor, "desk.enter")
        assert not rights.allowed(actor, "publishing.see", agency)
        assert rights.agencies_with(actor, "desk.enter") == frozenset()


def test_a_person_is_known_by_id_and_by_name(staff: Staff) -> None:
    agency = staff.agency()
    person = staff.made("author", agency)
    assert rights.allowed(person, "publishing.deliver", agency)
    assert rights.allowed(f"p-{person}", "publishing.deliver", agency)


def test_an_object_tells_its_agency_itself(staff: Staff) -> None:
    agency, other = staff.agency(), staff.agency()
    person = staff.made("author", agency)
    for of in (SimpleNamespace(agency_id=agency), SimpleNamespace(owner_org=agency), {"owner_org": agency}):
        assert rights.allowed(person, "publishing.deliver", of)
    assert not rights.allowed(person, "publishing.deliver", {"owner_org": other})


@pytest.mark.parametrize("of", ["", {"owner_org": None}, SimpleNamespace(agency_id=None)])
def test_what_belongs_to_no_agency_is_for_those_whose_right_goes_everywhere(staff: Staff, of: Any) -> None:
    assert not rights.allowed(staff.made("agency_administrator", staff.agency()), "datasets.see", of)
    assert rights.allowed(staff.made("methodologist"), "datasets.see", of)


def test_what_cannot_have_an_agency_is_a_fault_of_the_program(staff: Staff) -> None:
    with pytest.raises(TypeError, match="neither agency_id nor owner_org"):
        rights.allowed(staff.made("author", staff.agency()), "datasets.see", 7)


def test_require_raises_what_the_reader_is_told(staff: Staff) -> None:
    agency = staff.agency()
    rights.require(staff.made("approver", agency), "publishing.approve", agency)
    with pytest.raises(KzError) as caught:
        rights.require(staff.made("author", agency), "publishing.approve", agency)
    assert caught.value.code == "web.not_allowed"


def test_an_administrator_of_a_subordinate_agency_has_no_right_in_the_one_above(staff: Staff) -> None:
    above = staff.agency()
    person = staff.made("agency_administrator", staff.agency(parent=above))
    assert not any(rights.allowed(person, right, above) for right in roles.known().every)


def test_the_agencies_of_a_right_are_told(staff: Staff) -> None:
    first, second = staff.agency(), staff.agency()
    person = staff.made("author", first)
    assert rights.agencies_with(person, "publishing.deliver") == {first}
    assert rights.agencies_with(person, "publishing.approve") == frozenset()
    assert rights.agencies_with(staff.made("moderator"), "withdrawal.withdraw") is None
    staff.ckan_says(person, second, "editor")
    assert rights.agencies_with(person, "publishing.deliver") == {first, second}


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [("admin", {"agency_administrator"}), ("editor", {"author", "approver"}), ("member", set()), ("parent", set())],
)
def test_whom_ckan_alone_gave_a_role_keeps_working(staff: Staff, capacity: str, expected: set[str]) -> None:
    person, agency = staff.person(), staff.agency()
    staff.ckan_says(person, agency, capacity)
    assert staff.roles(person) == {(role, agency) for role in expected}
    assert {one.source for one in rights.roles_of(person)} <= {"ckan"}


def test_a_sysadmin_of_ckan_is_an_operator(staff: Staff) -> None:
    assert staff.roles(staff.person(sysadmin=True)) == {("operator", None)}


@pytest.mark.parametrize("state", ["deleted", "pending"])
def test_an_account_that_is_not_active_holds_nothing(staff: Staff, state: str) -> None:
    agency, person = staff.agency(), staff.person(state=state, sysadmin=True)
    staff.ckan_says(person, agency, "admin")
    assert staff.roles(person) == set()


def test_an_agency_that_is_gone_gives_no_rights(staff: Staff) -> None:
    person, agency = staff.person(), staff.agency(state="deleted")
    staff.ckan_says(person, agency, "admin")
    assert staff.roles(person) == set()


def test_roles_hold_between_their_dates_only(staff: Staff) -> None:
    now, agency = datetime.now(UTC), staff.agency()
    over = staff.made("author", agency, since=now - timedelta(days=9), until=now - timedelta(days=1))
    later = staff.made("author", agency, since=now + timedelta(days=1))
    ending = staff.made("author", agency, until=now + timedelta(days=1))
    assert staff.roles(over) == staff.roles(later) == set()
    assert staff.roles(ending) == {("author", agency)}


def test_after_the_first_question_of_a_request_no_sql_is_asked(app: CKANTestApp, staff: Staff) -> None:
    agency = staff.agency(parent=staff.agency())
    person = staff.made("agency_administrator", agency)
    with app.flask_app.test_request_context():
        assert rights.allowed(person, "desk.enter")
        with statements() as asked:
            for right in roles.known().every:
                rights.allowed(person, right, agency)
                rights.agencies_with(person, right)
            rights.roles_of(person)
    assert asked == []


@pytest.mark.parametrize("sysadmin", [True, False])
def test_who_administers_many_agencies_costs_no_statement_more(staff: Staff, sysadmin: bool) -> None:
    """CKAN makes whoever enters an organisation its administrator: an operator who has entered all of them is one of each."""
    held = roles.known().held["agency_administrator"].items()
    right = next(right for right, reach in held if reach is roles.Reach.subordinates)
    person, agencies = staff.person(sysadmin=sysadmin), [staff.agency() for _ in range(5)]
    under = [staff.agency(parent=agency) for agency in agencies]
    staff.ckan_says(person, agencies[0], "admin")
    with statements() as one:
        assert rights.allowed(person, right, under[0])
    for agency in agencies[1:]:
        staff.ckan_says(person, agency, "admin")
    with statements() as many:
        assert rights.allowed(person, right, under[4])
    assert many == one
    assert rights.acting_for(person, right, under[4]) is None
    assert rights.agencies_with(person, right) == (None if sysadmin else {*agencies, *under})

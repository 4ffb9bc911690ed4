"""Substitution during leave: the rights of the absent, between two days, and no farther."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ckanext.kzopen.core.agencies.model import today
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.assignments.change import assign, end
from ckanext.kzopen.core.people.assignments.keeping_up import keep_up
from ckanext.kzopen.core.people.assignments.model import Delegation
from ckanext.kzopen.core.people.substitution import delegate, of_person, revoke
from ckanext.kzopen.core.record import as_dict, events
from ckanext.kzopen.core.web.errors import KzError

from tests.core.people.rights.conftest import COLLEAGUE, TEST, Staff

WEEK = timedelta(days=7)


def handed(staff: Staff, absent: str, substitute: str, agency: str | None, role: str = "approver", **more: Any) -> Delegation:
    given = {"first": today(), "last": today() + WEEK, "by": absent} | more
    return delegate(staff.session, absent, substitute, role, agency, **given)


def code_of(staff: Staff, *arguments: Any, **more: Any) -> str:
    with pytest.raises(KzError) as caught:
        handed(staff, *arguments, **more)
    return caught.value.code


def test_a_substitute_acts_with_the_rights_of_the_absent_and_the_event_says_for_whom(staff: Staff) -> None:
    agency = staff.agency()
    absent, substitute = staff.made("agency_administrator", agency), staff.made("author", agency)
    handed(staff, absent, substitute, agency, "agency_administrator")
    assert rights.acting_for(substitute, "people.assign", agency) == absent
    assert rights.acting_for(substitute, "publishing.deliver", agency) is None  # their own right
    person = staff.person()
    assign(staff.session, person, "author", agency, substitute)
    told = as_dict(events(staff.session, kind="person", object_id=person)[0])
    assert (told["actor"], told["in_place_of"]) == (substitute, absent)


def test_ckan_is_told_of_the_substitute_and_of_the_end(staff: Staff) -> None:
    agency = staff.agency()
    absent, substitute = staff.made("author", agency), staff.colleague()
    row = handed(staff, absent, substitute, agency, "author")
    assert (staff.in_ckan(substitute, agency), staff.roles(substitute)) == ("editor", {("author", agency), COLLEAGUE})
    revoke(staff.session, row, absent)
    assert (staff.in_ckan(substitute, agency), staff.roles(substitute)) == (None, {COLLEAGUE})


def test_substitution_begins_and_ends_by_date_by_itself(staff: Staff) -> None:
    agency, at = staff.agency(), datetime.now(UTC)
    absent, substitute = staff.made("approver", agency), staff.colleague()
    handed(staff, absent, substitute, agency, first=today() + timedelta(days=2), last=today() + timedelta(days=3))

    def on(days: int) -> tuple[bool, str | None]:
        later = at + timedelta(days=days)
        keep_up(staff.session, later)
        found = rights.load(staff.session, substitute, later)
        return any(one.for_whom for one in found.assignments), staff.in_ckan(substitute, agency)

    assert on(0) == (False, None)
    assert on(2) == (True, "member")
    assert on(3) == (True, "member")
    assert on(4) == (False, None)


def test_the_substitute_loses_what_the_absent_loses(staff: Staff) -> None:
    agency, absent, substitute = staff.agency(), staff.person(), staff.colleague()
    row = assign(staff.session, absent, "approver", agency, TEST)
    handed(staff, absent, substitute, agency)
    end(staff.session, row, TEST)
    assert staff.roles(substitute) == {COLLEAGUE}
    keep_up(staff.session, datetime.now(UTC))
    assert staff.in_ckan(substitute, agency) is None


def test_what_was_handed_over_is_not_handed_on(staff: Staff) -> None:
    agency = staff.agency()
    absent, substitute = staff.made("approver", agency), staff.colleague()
    handed(staff, absent, substitute, agency)
    assert code_of(staff, substitute, staff.colleague(), agency) == "roles.not_ones_own_role"


def test_nobody_hands_over_what_they_do_not_hold(staff: Staff) -> None:
    agency = staff.agency()
    author = staff.made("author", agency)
    assert code_of(staff, author, staff.colleague(), agency) == "roles.not_ones_own_role"
    assert code_of(staff, author, staff.colleague(), staff.agency(), "author") == "web.not_allowed"


def test_an_operator_is_not_substituted(staff: Staff) -> None:
    operator = staff.person(sysadmin=True)
    assert code_of(staff, operator, staff.colleague(), None, "operator") == "roles.not_to_be_delegated"


def test_an_administrator_arranges_substitution_for_others_but_an_author_does_not(staff: Staff) -> None:
    agency = staff.agency()
    absent, substitute = staff.made("approver", agency), staff.colleague()
    assert code_of(staff, absent, substitute, agency, by=staff.made("author", agency)) == "web.not_allowed"
    assert (
        code_of(staff, absent, substitute, agency, by=staff.made("agency_administrator", staff.agency())) == "web.not_allowed"
    )
    row = handed(staff, absent, substitute, agency, by=staff.made("agency_administrator", agency))
    assert of_person(staff.session, substitute) == [row]


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (0, -1, "roles.ends_before_it_begins"),
        (-7, -1, "roles.is_over"),
        (0, 400, "roles.too_long"),
    ],
)
def test_days_that_cannot_be_are_refused(staff: Staff, first: int, last: int, code: str) -> None:
    agency, days = staff.agency(), {"first": today() + timedelta(days=first), "last": today() + timedelta(days=last)}
    assert code_of(staff, staff.made("approver", agency), staff.colleague(), agency, **days) == code


def test_who_arranges_or_ends_it_in_somebodys_place_is_told_with_them(staff: Staff) -> None:
    agency = staff.agency()
    away, deputy = staff.made("agency_administrator", agency), staff.made("author", agency)
    handed(staff, away, deputy, agency, "agency_administrator")
    absent = staff.made("approver", agency)
    for by in (deputy, absent):
        revoke(staff.session, handed(staff, absent, staff.colleague(), agency, by=by), by)
    told = [as_dict(event) for event in events(staff.session, kind="person", object_id=absent) if "deleg" in event.verb]
    assert [one["in_place_of"] for one in told] == [away, away, None, None]


def test_oneself_and_a_second_substitute_are_refused(staff: Staff) -> None:
    agency = staff.agency()
    absent = staff.made("approver", agency)
    assert code_of(staff, absent, absent, agency) == "roles.oneself"
    handed(staff, absent, staff.colleague(), agency)
    assert code_of(staff, absent, staff.colleague(), agency) == "roles.substituted_already"


def test_who_holds_no_role_substitutes_nobody(staff: Staff) -> None:
    agency = staff.agency()
    absent = staff.made("approver", agency)
    assert code_of(staff, absent, staff.person(), agency) == "roles.not_of_the_staff"
    assert code_of(staff, absent, staff.person(state="deleted"), agency) == "roles.unknown_person"


def test_with_the_day_of_the_last_role_ends_what_was_handed_to_the_person(staff: Staff) -> None:
    agency, elsewhere = staff.agency(), staff.agency()
    absent = staff.made("author", agency)
    substitute = staff.made("approver", elsewhere, until=datetime.now(UTC) + timedelta(days=2))
    handed(staff, absent, substitute, agency, "author")
    now = datetime.now(UTC)

    def on(days: int) -> tuple[set[tuple[str, str | None]], str | None]:
        keep_up(staff.session, now + timedelta(days=days))
        found = rights.load(staff.session, substitute, now + timedelta(days=days)).assignments
        return {(one.role, one.agency) for one in found}, staff.in_ckan(substitute, agency)

    assert on(0) == ({("approver", elsewhere), ("author", agency)}, "editor")
    assert on(3) == (set(), None)


def test_who_lost_every_role_through_ckan_acts_for_nobody(staff: Staff) -> None:
    agency, elsewhere = staff.agency(), staff.agency()
    absent, substitute = staff.made("author", agency), staff.made("approver", elsewhere)
    handed(staff, absent, substitute, agency, "author")
    staff.ckan_says(substitute, elsewhere, None)
    assert staff.roles(substitute) == set()
    assert not rights.allowed(substitute, "publishing.deliver", agency)
    keep_up(staff.session, datetime.now(UTC))
    assert staff.in_ckan(substitute, agency) is None

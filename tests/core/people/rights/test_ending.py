"""Somebody ends a role of a person: with the reason, by mail, and with all that stems from the role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.agencies.model import today
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.assignments.change import assign
from ckanext.kzopen.core.people.ending import end_role
from ckanext.kzopen.core.people.invitations import Invited, invite
from ckanext.kzopen.core.people.sign_in import providers
from ckanext.kzopen.core.people.sign_in.linking import LinkedIdentity
from ckanext.kzopen.core.people.sign_in.providers.oidc import Oidc
from ckanext.kzopen.core.people.substitution import delegate, of_person
from ckanext.kzopen.core.record import as_dict, events
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select, text, update

from tests.core.people.rights.conftest import COLLEAGUE, TEST, Staff

OTHERS = ("author", "approver", "moderator", "methodologist")


@pytest.fixture(autouse=True)
def _in_a_request(app: CKANTestApp, session: Any) -> Iterator[None]:
    with app.flask_app.test_request_context():
        yield


def code_of(staff: Staff, *arguments: Any) -> str:
    with pytest.raises(KzError) as caught:
        end_role(staff.session, *arguments)
    return caught.value.code


def addressed(staff: Staff, person: str) -> str:
    email = f"{person}@example.org"
    staff.session.get_one(model.User, person).email = email
    return email


def test_an_administrator_ends_a_role_the_person_is_told_and_ckans_member_is_gone(staff: Staff) -> None:
    agency = staff.agency()
    by, person = staff.made("agency_administrator", agency), staff.made("author", agency)
    email = addressed(staff, person)
    end_role(staff.session, person, "author", agency, by, " moved on ", "192.0.2.7")
    assert (staff.roles(person), staff.in_ckan(person, agency)) == (set(), None)
    told = as_dict(events(staff.session, kind="person", object_id=person)[-1])
    assert (told["verb"], told["actor"], told["reason"], told["agency"]) == ("end_assignment", by, "moved on", agency)
    sent = staff.session.execute(text("SELECT template, text FROM kzopen.mail WHERE recipient = :to"), {"to": email}).one()
    assert sent.template == "staff.role_ended"
    assert "Автор" in sent.text
    assert "moved on" in sent.text


def test_an_administrator_ends_roles_of_subordinates_too_and_of_no_other_agency(staff: Staff) -> None:
    agency = staff.agency()
    by, below, beside = staff.made("agency_administrator", agency), staff.agency(parent=agency), staff.agency()
    person = staff.made("approver", below)
    end_role(staff.session, person, "approver", below, by, "moved")
    assert staff.roles(person) == set()
    stranger = staff.made("approver", beside)
    assert code_of(staff, stranger, "approver", beside, by, "moved") == "web.not_allowed"
    assert code_of(staff, staff.made("moderator"), "moderator", None, by, "moved") == "web.not_allowed"
    assert staff.roles(stranger) == {("approver", beside)}


@pytest.mark.parametrize("role", OTHERS)
def test_who_could_not_give_a_role_does_not_end_it(staff: Staff, role: str) -> None:
    agency = staff.agency()
    by = staff.made(role, agency if role in ("author", "approver") else None)
    assert code_of(staff, staff.made("author", agency), "author", agency, by, "moved") == "web.not_allowed"


def test_a_reason_is_wanted_and_a_role_that_is_held(staff: Staff) -> None:
    agency, operator = staff.agency(), staff.person(sysadmin=True)
    person = staff.made("author", agency)
    for reason in ("", "  ", "x" * 1001):
        assert code_of(staff, person, "author", agency, operator, reason) == "roles.reason_wanted"
    assert code_of(staff, person, "approver", agency, operator, "moved") == "roles.not_held"
    assert code_of(staff, "nobody", "author", agency, operator, "moved") == "roles.unknown_person"
    administrator = staff.made("agency_administrator", agency)
    assert code_of(staff, "nobody", "author", agency, administrator, "moved") == "roles.not_held", "not who has an account"
    assert staff.roles(person) == {("author", agency)}


def test_an_address_that_takes_no_mail_keeps_no_role(staff: Staff) -> None:
    agency, operator = staff.agency(), staff.person(sysadmin=True)
    person = staff.made("author", agency)
    staff.session.get_one(model.User, person).email = f"{person}@localhost"
    end_role(staff.session, person, "author", agency, operator, "moved")
    assert staff.roles(person) == set()


def test_substitution_that_stems_from_the_role_ends_and_does_not_come_back_with_it(staff: Staff) -> None:
    agency, operator = staff.agency(), staff.person(sysadmin=True)
    absent, substitute = staff.made("author", agency), staff.colleague()
    delegate(staff.session, absent, substitute, "author", agency, today(), today() + timedelta(days=7), absent)
    assert staff.in_ckan(substitute, agency) == "editor"
    end_role(staff.session, absent, "author", agency, operator, "moved")
    assert (staff.roles(substitute), staff.in_ckan(substitute, agency)) == ({COLLEAGUE}, None)
    assign(staff.session, absent, "author", agency, TEST)
    assert (staff.roles(substitute), of_person(staff.session, absent)) == ({COLLEAGUE}, [])


def test_an_end_by_a_substitute_says_in_whose_place(staff: Staff) -> None:
    agency, first = staff.agency(), today()
    absent, by = staff.made("agency_administrator", agency), staff.made("author", agency)
    delegate(staff.session, absent, by, "agency_administrator", agency, first, first, absent)
    person, substitute = staff.made("approver", agency), staff.colleague()
    delegate(staff.session, person, substitute, "approver", agency, first, first, by)
    end_role(staff.session, person, "approver", agency, by, "moved")
    told = [as_dict(event) for event in events(staff.session, kind="person", object_id=person, actor=by)]
    assert [(one["verb"], one["in_place_of"]) for one in told] == [
        ("delegate", absent),
        ("end_assignment", absent),
        ("end_delegation", absent),
    ]


def test_a_role_that_is_to_begin_and_an_invitation_do_not_bring_it_back(staff: Staff) -> None:
    agency, operator = staff.agency(), staff.person(sysadmin=True)
    person = staff.made("author", agency, until=datetime.now(UTC) + timedelta(days=1))
    assign(staff.session, person, "author", agency, TEST, since=datetime.now(UTC) + timedelta(days=2))
    invited = Invited("Асан Усенов", addressed(staff, person).upper(), "kk", "author", agency)
    invitation = invite(staff.session, invited, operator)
    end_role(staff.session, person, "author", agency, operator, "moved")
    staff.session.refresh(invitation)
    assert invitation.withdrawn is not None
    for days in (0, 3):
        assert rights.load(staff.session, person, datetime.now(UTC) + timedelta(days=days)).assignments == ()
    assert code_of(staff, person, "author", agency, operator, "moved") == "roles.not_held"


def test_a_role_that_came_through_ckan_ends_and_the_other_one_stays(staff: Staff) -> None:
    agency, operator, person = staff.agency(), staff.person(sysadmin=True), staff.person()
    staff.ckan_says(person, agency, "editor")
    end_role(staff.session, person, "author", agency, operator, "moved")
    assert (staff.roles(person), staff.in_ckan(person, agency)) == ({("approver", agency)}, "member")


def test_an_operator_by_ckan_is_ended_by_another_one_and_the_last_one_stays(staff: Staff) -> None:
    staff.session.execute(text("""UPDATE "user" SET sysadmin = false"""))
    first, second = staff.person(sysadmin=True), staff.person(sysadmin=True)
    end_role(staff.session, second, "operator", None, first, "moved")
    assert (staff.roles(second), staff.session.get_one(model.User, second).sysadmin) == (set(), False)
    assert code_of(staff, first, "operator", None, first, "moved") == "roles.last_operator"
    assert staff.session.get_one(model.User, first).sysadmin


def site_account(staff: Staff) -> str:
    """The account by which CKAN itself acts."""
    name = tk.config["ckan.site_id"]
    found = staff.session.scalar(select(model.User.id).where(model.User.name == name)) or staff.person()
    told = {"name": name, "sysadmin": True, "password": "x", "state": "active"}
    staff.session.execute(update(model.User).where(model.User.id == found).values(**told))
    return found


def test_the_account_of_ckan_itself_is_no_other_operator(staff: Staff) -> None:
    staff.session.execute(text("""UPDATE "user" SET sysadmin = false"""))
    site_account(staff)
    operator = staff.person(sysadmin=True)
    assert code_of(staff, operator, "operator", None, operator, "moved") == "roles.last_operator"


@pytest.mark.parametrize(("provider", "counts"), [("oidc", True), ("one that the portal has no more", False)])
def test_an_operator_who_signs_in_by_a_provider_alone_is_another_one(
    staff: Staff, monkeypatch: pytest.MonkeyPatch, provider: str, counts: bool
) -> None:
    monkeypatch.setattr(providers, "_providers", {"oidc": Oidc("oidc", {}, "", "", "")})  # type: ignore[typeddict-item]
    staff.session.execute(text("""UPDATE "user" SET sysadmin = false"""))
    leaving, other = staff.person(sysadmin=True), staff.person(sysadmin=True)
    staff.session.execute(update(model.User).where(model.User.id == other).values(password=None))
    assert code_of(staff, leaving, "operator", None, leaving, "moved") == "roles.last_operator"
    staff.session.add(LinkedIdentity(provider=provider, subject="one", user_id=other))
    staff.session.flush()
    if counts:
        end_role(staff.session, leaving, "operator", None, leaving, "moved")
    else:
        assert code_of(staff, leaving, "operator", None, leaving, "moved") == "roles.last_operator"
    assert staff.session.get_one(model.User, leaving).sysadmin is not counts


def test_an_agencys_last_administrator_stays_unless_an_operator_ends_the_role(staff: Staff) -> None:
    parent = staff.agency()
    agency = staff.agency(parent=parent)
    last, above = staff.made("agency_administrator", agency), staff.made("agency_administrator", parent)
    staff.made("author", agency)
    staff.ckan_says(staff.person(sysadmin=True), agency, "admin")  # as CKAN makes whoever enters an organisation
    for by in (last, above):
        assert code_of(staff, last, "agency_administrator", agency, by, "moved") == "roles.last_administrator"
    assert staff.roles(last) == {("agency_administrator", agency)}
    assert end_role(staff.session, last, "agency_administrator", agency, staff.person(sysadmin=True), "moved")
    assert staff.roles(last) == set()


def test_one_of_two_administrators_goes_and_a_substitute_is_no_second_one(staff: Staff) -> None:
    agency, elsewhere = staff.agency(), staff.agency()
    first, second = staff.made("agency_administrator", agency), staff.person()
    staff.ckan_says(second, agency, "admin")  # through CKAN's own pages
    staff.made("agency_administrator", elsewhere)
    assert not end_role(staff.session, first, "agency_administrator", agency, second, "moved")
    deputy = staff.made("author", agency)
    delegate(staff.session, second, deputy, "agency_administrator", agency, today(), today(), second)
    assert code_of(staff, second, "agency_administrator", agency, deputy, "moved") == "roles.last_administrator"


def test_another_role_of_the_last_administrator_and_an_administrator_to_be_end(staff: Staff) -> None:
    agency = staff.agency()
    last = staff.made("agency_administrator", agency)
    assign(staff.session, last, "author", agency, TEST)
    assert not end_role(staff.session, last, "author", agency, last, "moved")
    to_be = staff.made("agency_administrator", agency, since=datetime.now(UTC) + timedelta(days=1))
    assert not end_role(staff.session, to_be, "agency_administrator", agency, last, "moved")
    assert staff.roles(last) == {("agency_administrator", agency)}


def test_with_the_last_role_ends_what_others_have_handed_to_the_person(staff: Staff) -> None:
    agency, elsewhere, operator = staff.agency(), staff.agency(), staff.person(sysadmin=True)
    absent, substitute = staff.made("author", agency), staff.made("approver", elsewhere)
    assign(staff.session, substitute, "author", elsewhere, TEST)
    delegate(staff.session, absent, substitute, "author", agency, today(), today(), absent)
    end_role(staff.session, substitute, "approver", elsewhere, operator, "moved")
    assert staff.roles(substitute) == {("author", elsewhere), ("author", agency)}
    end_role(staff.session, substitute, "author", elsewhere, operator, "moved")
    assert (staff.roles(substitute), staff.in_ckan(substitute, agency)) == (set(), None)
    told = as_dict(events(staff.session, kind="person", object_id=absent)[-1])
    assert (told["verb"], told["actor"], told["new"]["substitute"]) == ("end_delegation", operator, substitute)
    assign(staff.session, substitute, "approver", elsewhere, TEST)
    assert staff.roles(substitute) == {("approver", elsewhere)}, "it does not come back with another role"

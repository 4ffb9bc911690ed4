"""Invitations of staff: mailed, for some days, for one use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.people import invitations
from ckanext.kzopen.core.people.invitations import Invitation, Invited, accept, invite, look, withdraw
from ckanext.kzopen.core.people.secrets import digest
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import text

from tests.core.people.rights.conftest import Staff

PASSWORD = "Тек-осы-ұзын-сөз-73"


@pytest.fixture(autouse=True)
def _in_a_request(app: CKANTestApp, session: Any) -> Iterator[None]:
    """Links are made in a request; CKAN's session stays the one that is rolled back."""
    with app.flask_app.test_request_context():
        yield


def invited(staff: Staff, monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[Invitation, str]:
    """An invitation, and the token that its mail carries."""
    token = uuid4().hex
    monkeypatch.setattr(invitations, "new_token", lambda: token)
    agency = more.pop("agency", None) or staff.agency()
    by = more.pop("by", None) or staff.made("agency_administrator", agency)
    told = {"name": "Асан Усенов", "email": f"{token}@example.org", "language": "kk", "role": "author"} | more
    return invite(staff.session, Invited(agency=agency, **told), by), token


def code_of(staff: Staff, monkeypatch: pytest.MonkeyPatch, **more: Any) -> str:
    with pytest.raises(KzError) as caught:
        invited(staff, monkeypatch, **more)
    return caught.value.code


def over(staff: Staff, token: str) -> bool:
    with pytest.raises(KzError) as caught:
        look(staff.session, token)
    return caught.value.code == "roles.invitation_over"


def test_accepting_makes_the_account_and_the_assignment(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    row, token = invited(staff, monkeypatch)
    user = accept(staff.session, token, PASSWORD)
    assert (user.email, user.fullname, user.state) == (row.email, "Асан Усенов", "active")
    assert staff.roles(user.id) == {("author", row.agency)}
    assert staff.in_ckan(user.id, str(row.agency)) == "editor"
    assert row.person == user.id


def test_the_mail_goes_out_in_the_language_of_the_invited(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    row, token = invited(staff, monkeypatch, language="ru")
    sent = staff.session.execute(text("SELECT subject, text FROM kzopen.mail WHERE recipient = :to"), {"to": row.email}).one()
    assert sent.subject == "Вас приглашают работать на портале"
    assert f"token={token}" in sent.text
    assert "Автор" in sent.text


def test_the_token_is_kept_as_its_hash_only_and_for_seven_days(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    row, token = invited(staff, monkeypatch)
    assert row.token_hash == digest(token) != token
    assert timedelta(days=6, hours=23) < row.expires - datetime.now(UTC) <= timedelta(days=7)


def test_a_link_works_once(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = invited(staff, monkeypatch)
    accept(staff.session, token, PASSWORD)
    assert over(staff, token)


def test_a_link_that_is_over_taken_back_or_invented_does_not_work(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    row, token = invited(staff, monkeypatch)
    row.expires = datetime.now(UTC) - timedelta(seconds=1)
    staff.session.flush()
    assert over(staff, token)
    row, token = invited(staff, monkeypatch)
    withdraw(staff.session, row, row.invited_by)
    assert over(staff, token)
    assert over(staff, "invented")


def test_a_second_invitation_ends_the_first(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    row, first = invited(staff, monkeypatch)
    _, second = invited(staff, monkeypatch, email=row.email.upper(), agency=row.agency, by=row.invited_by)
    assert over(staff, first)
    assert look(staff.session, second).role == "author"


def test_who_has_an_account_gets_the_role_and_keeps_the_password(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    person = staff.person()
    staff.session.get_one(model.User, person).email = "known@example.org"
    staff.session.flush()
    row, token = invited(staff, monkeypatch, email="Known@example.org")
    assert accept(staff.session, token, None).id == person
    assert staff.roles(person) == {("author", row.agency)}
    assert staff.session.get_one(model.User, person).password == "x"


def test_an_invitation_of_somebody_who_lost_the_right_is_over(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    row, token = invited(staff, monkeypatch)
    staff.ckan_says(row.invited_by, str(row.agency), None)
    with pytest.raises(KzError) as caught:
        accept(staff.session, token, PASSWORD)
    assert caught.value.code == "roles.invitation_over"


def test_who_may_not_invite_is_refused(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    agency = staff.agency()
    assert code_of(staff, monkeypatch, agency=agency, by=staff.made("author", agency)) == "web.not_allowed"
    by = staff.made("agency_administrator", agency)
    assert code_of(staff, monkeypatch, agency=staff.agency(), by=by) == "web.not_allowed"


def test_what_cannot_be_is_refused(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_of(staff, monkeypatch, email="nobody") == "mail.bad_address"
    assert code_of(staff, monkeypatch, language="de") == "roles.wrong_language"
    assert code_of(staff, monkeypatch, name=" ") == "roles.name_wanted"
    assert code_of(staff, monkeypatch, role="moderator") == "roles.takes_no_agency"

"""The pages of roles, substitution, invitations and import, as staff and invited people use them."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.agencies.model import today
from ckanext.kzopen.core.people import rights, roles, staff_import, staff_table
from ckanext.kzopen.core.people.assignments.change import assign
from ckanext.kzopen.core.people.leaving import deletion
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import text

from tests.publishing.conftest import Agency, new_agency

HERE = "http://localhost/"
PASSWORD = "Тек-осы-ұзын-сөз-73"


@pytest.fixture(scope="module")
def agency(app: CKANTestApp) -> Agency:
    """Its user is the administrator."""
    model.Session.remove()
    return new_agency(app, role="admin")


@pytest.fixture(autouse=True)
def _plain_forms(app: CKANTestApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without tokens in forms, which tests/security tries; each test with a session of its own."""
    monkeypatch.setitem(app.flask_app.config, "WTF_CSRF_ENABLED", False)
    model.Session.remove()
    yield
    model.Session.remove()


def person(app: CKANTestApp, role: str, agency: Agency) -> model.User:
    name = f"person-{uuid4().hex[:10]}"
    with app.flask_app.test_request_context():
        told = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
        tk.get_action("user_create")({"ignore_auth": True, "user": ""}, told)
        if role:
            assign(model.Session, name, role, agency.id, "system:test")
            model.Session.commit()
    return model.User.get(name)


def asked(app: CKANTestApp, user: str | None, path: str, **form: Any) -> Any:
    """A page as that person opens it, or the answer to a form of theirs."""
    client = app.test_client(user=model.User.get(user) if user else None)
    method = "POST" if form else "GET"
    return client.open(path, method=method, data=form or None, base_url=HERE, follow_redirects=False)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_page_of_roles_shows_every_right_with_its_reach(app: CKANTestApp, agency: Agency, language: str) -> None:
    page = asked(app, agency.user, f"/{language}/staff/roles").get_data(as_text=True)
    assert [right for right in roles.known().rights() if f"<code>{right}</code>" not in page] == []
    labels = [role.label[language] for role in roles.known().roles.values()]  # type: ignore[literal-required]
    assert [label for label in labels if label not in page] == []


def test_a_substitution_is_arranged_seen_and_ended_on_the_page(app: CKANTestApp, agency: Agency) -> None:
    absent, substitute = person(app, "approver", agency), person(app, "author", agency)
    day = today().isoformat()
    form = {"role": f"approver|{agency.id}", "substitute": substitute.email.upper(), "first": day, "last": day}
    assert asked(app, absent.name, "/staff/substitution", **form).status_code == 302
    assert rights.allowed(substitute.id, "publishing.approve", agency.id)
    page = asked(app, absent.name, "/staff/substitution").get_data(as_text=True)
    number = re.search(r"/staff/substitution/(\d+)/end", page)
    assert number
    assert asked(app, absent.name, number.group(0), x="").status_code == 302
    assert not rights.allowed(substitute.id, "publishing.approve", agency.id)


def test_who_holds_no_role_is_no_substitute_on_the_page_and_one_who_lost_it_is_told_of(
    app: CKANTestApp, agency: Agency
) -> None:
    absent, citizen, substitute = (person(app, role, agency) for role in ("approver", "", "author"))
    day = today().isoformat()
    form = {"role": f"approver|{agency.id}", "first": day, "last": day}
    page = asked(app, absent.name, "/ru/staff/substitution", **form, substitute=citizen.email).get_data(as_text=True)
    assert f'id="f-substitute-error">Сотрудника {citizen.email} нет' in page
    assert asked(app, absent.name, "/staff/substitution", **form, substitute=substitute.email).status_code == 302
    with app.flask_app.test_request_context():
        tk.get_action("organization_member_delete")({"user": agency.user}, {"id": agency.id, "username": substitute.name})
    assert not rights.allowed(substitute.id, "publishing.approve", agency.id)
    page = asked(app, absent.name, "/ru/staff/substitution").get_data(as_text=True)
    assert "роли больше нет, поэтому никого не замещает" in page


@pytest.fixture
def lonely(app: CKANTestApp) -> Agency:
    """Of a test's own: its user is the only administrator."""
    return new_agency(app, role="admin")


def test_the_last_administrators_role_is_ended_on_the_page_by_an_operator_only(app: CKANTestApp, lonely: Agency) -> None:
    path = f"staff/people/end-role?person={lonely.user}&role=agency_administrator&agency={lonely.id}"
    page = asked(app, lonely.user, f"/ru/{path}").get_data(as_text=True)
    assert "Это последний администратор органа. Сначала назначьте другого" in page
    assert 'name="reason"' not in page
    page = asked(app, lonely.user, f"/en/{path}", reason="moved").get_data(as_text=True)
    assert "agency&#39;s last administrator. Appoint another one first" in page
    operator = person(app, "", lonely)
    assign(model.Session, operator.id, "operator", None, "system:test")
    model.Session.commit()
    page = asked(app, operator.name, f"/kk/{path}").get_data(as_text=True)
    assert "Бұл – органның соңғы әкімшісі: әкімші болмаса" in page
    assert asked(app, operator.name, f"/{path}", reason="moved").status_code == 302
    assert rights.roles_of(lonely.user) == ()


def test_the_action_tells_that_the_agency_has_no_administrator_now(app: CKANTestApp, lonely: Agency) -> None:
    operator = person(app, "", lonely)
    assign(model.Session, operator.id, "operator", None, "system:test")
    model.Session.commit()
    told = {"person": lonely.user, "role": "agency_administrator", "agency": lonely.name, "reason": "moved"}
    with app.flask_app.test_request_context():
        with pytest.raises(KzError) as caught:
            tk.get_action("staff_role_end")({"user": lonely.user}, told)
        assert caught.value.code == "roles.last_administrator"
        assert tk.get_action("staff_role_end")({"user": operator.name}, told)["without_administrator"] is True


def test_an_administrator_does_not_leave_by_deleting_the_account(app: CKANTestApp, lonely: Agency) -> None:
    user = model.User.get(lonely.user)
    with app.flask_app.test_request_context(), pytest.raises(KzError) as caught:
        deletion.delete(model.Session, user, user.id, None)
    assert caught.value.code == "people.holds_roles"
    assert user.state == "active"


def test_what_is_wrong_with_a_substitution_stands_beside_its_field_and_nothing_typed_is_lost(
    app: CKANTestApp, agency: Agency
) -> None:
    absent = person(app, "approver", agency)
    form = {"role": f"approver|{agency.id}", "substitute": "nobody@example.org", "first": "2026-02-31", "last": ""}
    page = asked(app, absent.name, "/en/staff/substitution", **form).get_data(as_text=True)
    for name, sentence in {
        "substitute": "There is no member of staff nobody@example.org",
        "first": "Give a day",
        "last": "Fill in",
    }.items():
        assert re.search(rf'id="f-{name}-error">{sentence}', page), name
    assert 'value="nobody@example.org"' in page


def test_an_invitation_is_sent_and_accepted(app: CKANTestApp, agency: Agency) -> None:
    email = f"{uuid4().hex[:10]}@example.org"
    form = {"name": "Асан Усенов", "email": email, "role": "author", "language": "ru", "agency": agency.name}
    assert asked(app, agency.user, "/staff/invitations", **form).status_code == 302
    assert email in asked(app, agency.user, "/staff/invitations").get_data(as_text=True)
    sent = model.Session.execute(text("SELECT text FROM kzopen.mail WHERE recipient = :to"), {"to": email}).scalar_one()
    found = re.search(r"token=([\w-]+)", sent)
    assert found
    token = found.group(1)
    link = f"/ru/account/invitation?token={token}"
    page = asked(app, None, link)
    assert page.status_code == 200
    assert "Автор" in page.get_data(as_text=True)
    assert asked(app, None, link, token=token, new_password="short").status_code == 422
    assert asked(app, None, link, token=token, new_password=PASSWORD).status_code == 302
    user = model.Session.query(model.User).filter(model.User.email == email).one()
    assert rights.allowed(user.id, "publishing.deliver", agency.id)
    assert asked(app, None, link).status_code == 404


def test_a_role_is_ended_on_the_page_with_a_reason(app: CKANTestApp, agency: Agency) -> None:
    author = person(app, "author", agency)
    listed = asked(app, agency.user, "/en/staff/people").get_data(as_text=True)
    link = re.search(rf'href="([^"]*/staff/people/end-role\?person={author.name}[^"]*)"', listed)
    assert link
    address = html.unescape(link.group(1))
    assert 'name="reason"' in asked(app, agency.user, address).get_data(as_text=True)
    page = asked(app, agency.user, address, reason=" ").get_data(as_text=True)
    assert 'id="f-reason-error">Give the reason' in page
    assert rights.allowed(author.id, "publishing.deliver", agency.id)
    assert asked(app, agency.user, address, reason="moved").status_code == 302
    assert not rights.allowed(author.id, "publishing.deliver", agency.id)
    assert asked(app, agency.user, address).status_code == 404


def test_who_does_not_assign_roles_is_offered_no_end_and_gets_none(app: CKANTestApp, agency: Agency) -> None:
    author = person(app, "author", agency)
    assert "end-role" not in asked(app, author.name, "/staff/people").get_data(as_text=True)
    stranger = new_agency(app, role="admin").user
    address = f"/staff/people/end-role?person={author.name}&role=author&agency={agency.id}"
    for name in (author.name, stranger):
        assert asked(app, name, address).status_code == asked(app, name, address, reason="moved").status_code == 403
    assert rights.allowed(author.id, "publishing.deliver", agency.id)


def test_who_ends_their_own_last_role_leaves_the_workstation(app: CKANTestApp) -> None:
    place = new_agency(app, role="admin")
    person(app, "agency_administrator", place)  # one stays
    address = f"/staff/people/end-role?person={place.user}&role=agency_administrator&agency={place.id}"
    answer = asked(app, place.user, address, reason="leaving")
    assert (answer.status_code, "/staff" in answer.location) == (302, False)


def test_the_action_ends_a_role_in_an_agency_that_is_named_by_its_address(app: CKANTestApp, agency: Agency) -> None:
    author = person(app, "author", agency)
    told = {"person": author.name, "role": "author", "agency": agency.name, "reason": "moved"}
    with app.flask_app.test_request_context():
        with pytest.raises(KzError, match="no agency nowhere"):
            tk.get_action("staff_role_end")({"user": app_operator()}, told | {"agency": "nowhere"})
        with pytest.raises(tk.NotAuthorized):
            tk.get_action("staff_role_end")({"user": author.name}, told)
        tk.get_action("staff_role_end")({"user": agency.user}, told)
    assert not rights.allowed(author.id, "publishing.deliver", agency.id)


def app_operator() -> str:
    return str(tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"])


def test_an_author_neither_invites_nor_imports(app: CKANTestApp, agency: Agency) -> None:
    author = person(app, "author", agency)
    for path in ("/staff/invitations", "/staff/import", "/staff/import/template.xlsx"):
        assert asked(app, author.name, path).status_code == 403


def test_a_table_is_checked_shown_by_row_and_imported(app: CKANTestApp, agency: Agency) -> None:
    good = ("Асан Усенов", f"{uuid4().hex[:8]}@example.org", agency.name, "author", "kk")
    content = staff_table.template("ru", good)
    page = asked(app, agency.user, "/ru/staff/import", file=(io.BytesIO(content), "staff.xlsx")).get_data(as_text=True)
    action = re.search(r'action="([^"]*/staff/import/[0-9a-f-]{36})"', page)
    assert action
    started = asked(app, agency.user, action.group(1), x="")
    assert started.status_code == 302
    staff_import.import_staff(started.location.rpartition("/")[2])
    page = asked(app, agency.user, started.location).get_data(as_text=True)
    assert good[1] in page
    assert "ждёт очереди" not in page
    assert page.count("приглашение по почте") == 2  # the count and the row
    assert urlsplit(started.location).path in asked(app, agency.user, "/ru/staff/import").get_data(as_text=True)
    assert asked(app, new_agency(app, role="admin").user, started.location).status_code == 404
    bad = staff_table.template("ru", ("Асан Усенов", "no address", "nowhere", "author", "kk"))
    page = asked(app, agency.user, "/ru/staff/import", file=(io.BytesIO(bad), "staff.xlsx")).get_data(as_text=True)
    assert "Государственного органа «nowhere» нет." in page
    assert not re.search(r'action="[^"]*/staff/import/[0-9a-f-]{36}"', page)


def test_a_file_that_is_no_workbook_is_told_of(app: CKANTestApp, agency: Agency) -> None:
    page = asked(app, agency.user, "/en/staff/import", file=(io.BytesIO(b"x"), "staff.xlsx")).get_data(as_text=True)
    assert "This is not an XLSX workbook." in page


def test_a_right_taken_away_by_ckans_own_api_is_gone_at_once(app: CKANTestApp, agency: Agency) -> None:
    author = person(app, "author", agency)
    with app.flask_app.test_request_context():
        given = {"id": agency.id, "username": author.name}
        tk.get_action("organization_member_delete")({"user": agency.user}, given)
    assert not rights.allowed(author.id, "publishing.deliver", agency.id)
    with app.flask_app.test_request_context():
        tk.get_action("organization_member_create")({"user": agency.user}, given | {"role": "admin"})
    assert rights.allowed(author.id, "people.assign", agency.id)

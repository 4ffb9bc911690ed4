"""The pages of roles, substitution, invitations and import, as staff and invited people use them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.agencies.model import today
from ckanext.kzopen.core.people import rights, roles, staff_table
from ckanext.kzopen.core.people.assignments.change import assign
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
    absent, substitute = person(app, "approver", agency), person(app, "", agency)
    day = today().isoformat()
    form = {"role": f"approver|{agency.id}", "substitute": substitute.email.upper(), "first": day, "last": day}
    assert asked(app, absent.name, "/staff/substitution", **form).status_code == 302
    assert rights.allowed(substitute.id, "publishing.approve", agency.id)
    page = asked(app, absent.name, "/staff/substitution").get_data(as_text=True)
    number = re.search(r"/staff/substitution/(\d+)/end", page)
    assert number
    assert asked(app, absent.name, number.group(0), x="").status_code == 302
    assert not rights.allowed(substitute.id, "publishing.approve", agency.id)


def test_what_is_wrong_with_a_substitution_stands_beside_its_field_and_nothing_typed_is_lost(
    app: CKANTestApp, agency: Agency
) -> None:
    absent = person(app, "approver", agency)
    form = {"role": f"approver|{agency.id}", "substitute": "nobody@example.org", "first": "2026-02-31", "last": ""}
    page = asked(app, absent.name, "/en/staff/substitution", **form).get_data(as_text=True)
    for name, sentence in {
        "substitute": "There is no account nobody@example.org",
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
    assert asked(app, agency.user, action.group(1), x="").status_code == 302
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

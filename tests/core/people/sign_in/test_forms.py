"""The form of signing in carries its token, and an e-mail belongs to one account whatever its case."""

from __future__ import annotations

from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from sqlalchemy.exc import IntegrityError

from tests.core.people.conftest import PASSWORD, Browser, Person


def test_signing_in_without_the_forms_token_is_refused(browser: Browser, person: Person) -> None:
    answer = browser.open("/user/login", method="POST", data={"login": person.name, "password": PASSWORD})
    assert answer.status_code == 400
    assert not browser.is_signed_in


def test_two_accounts_cannot_have_one_e_mail_in_another_case(app: CKANTestApp, person: Person) -> None:
    told = {"name": f"person-{uuid4().hex[:8]}", "email": person.email.upper(), "password": PASSWORD}
    with app.flask_app.test_request_context(), pytest.raises(tk.ValidationError):
        tk.get_action("user_create")({"ignore_auth": True, "user": ""}, told)


def test_the_database_itself_refuses_the_second_one(person: Person) -> None:
    model.Session.add(model.User(name=f"person-{uuid4().hex[:8]}", email=person.email.upper(), password=PASSWORD))
    with pytest.raises(IntegrityError):
        model.Session.commit()
    model.Session.rollback()


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_form_is_in_the_readers_language(browser: Browser, language: str) -> None:
    page = browser.get(f"/{language}/user/login").get_data(as_text=True)
    kept = {"kk": "Осы құрылғыда", "ru": "Оставаться в системе", "en": "Keep me signed in"}
    assert kept[language] in page

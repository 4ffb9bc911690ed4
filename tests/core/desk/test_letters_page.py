"""Operators see every mail as it is sent, in each language, with values to try it."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import mail

from tests.core.desk.conftest import page, said
from tests.publishing.conftest import new_agency
from tests.publishing.test_staff_pages import Browser


@pytest.fixture
def operator(app: CKANTestApp) -> Browser:
    """A browser in which an operator of the portal is signed in."""
    made = new_agency(app)
    model.User.get(made.user).sysadmin = True
    model.Session.commit()
    return Browser(app, made.user)


def test_every_template_is_listed_with_its_subject(operator: Browser) -> None:
    soup = page(operator.get("/ru/staff/letters"))

    assert said(soup, "tbody th") == mail.template_names()
    assert "people.recover" in mail.template_names()
    assert mail.rendered("people.recover", "ru", mail.sample("people.recover")).subject in said(soup, "tbody td")


def test_a_template_is_shown_in_three_languages_in_both_parts(operator: Browser) -> None:
    soup = page(operator.get("/kk/staff/letters/staff.role_ended"))

    for language in ("kk", "ru", "en"):
        letter = mail.rendered("staff.role_ended", language, mail.sample("staff.role_ended"))
        assert said(soup, f"dd[lang={language}]") == [letter.subject]
        assert soup.select_one(f"pre[lang={language}]").get_text().strip() == letter.text.strip()  # type: ignore[union-attr]
        as_html = soup.select_one(f"div[lang={language}]")
        assert as_html is not None
        assert len(as_html.select("p")) == letter.text.strip().count("\n\n") + 1
        assert [link["href"] for link in as_html.select("a")] == [mail.sample("staff.role_ended")["portal"]]


@pytest.mark.parametrize("template", mail.template_names())
def test_each_template_can_be_looked_at(operator: Browser, template: str) -> None:
    assert len(page(operator.get(f"/staff/letters/{template}")).select("pre.letter")) == 3


def test_a_name_that_is_none_and_a_file_beside_the_templates_are_not_found(operator: Browser) -> None:
    for name in ("nothing", "..%2F..%2Ferrors", "people.recover.kk.txt"):
        assert operator.get(f"/staff/letters/{name}").status_code == 404


def test_an_agencys_administrator_does_not_see_them(administrator: Browser) -> None:
    assert administrator.get("/staff/letters").status_code == 403
    assert administrator.get("/staff/letters/people.recover").status_code == 403
    assert page(administrator.get("/staff")).select_one("a[href$='/staff/letters']") is None

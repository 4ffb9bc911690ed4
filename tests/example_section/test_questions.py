"""The example section: a state machine, rights, notices, receipts, search and a desk in under 300 lines."""

from __future__ import annotations

import re
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.notices import reading
from ckanext.kzopen.core.record import events
from ckanext.kzopen.search import rebuild
from sqlalchemy import Engine, text

from tests.conftest import ROOT
from tests.example_section.conftest import SECTION
from tests.publishing.conftest import PASSWORD, Agency, new_agency
from tests.publishing.test_staff_pages import Browser

MOST_LINES = 300
"""Blank ones do not count."""


def new_citizen(app: CKANTestApp) -> str:
    """The name of an account that works for no agency."""
    name = f"citizen-{uuid4().hex[:10]}"
    with app.flask_app.test_request_context():
        about = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
        tk.get_action("user_create")({"ignore_auth": True, "user": ""}, about)
    return name


@pytest.fixture(scope="module")
def agency(app: CKANTestApp) -> Agency:
    return new_agency(app, role="admin")


@pytest.fixture(scope="module")
def stranger(app: CKANTestApp) -> Browser:
    """The administrator of another agency."""
    return Browser(app, new_agency(app, role="admin").user)


@pytest.fixture
def asked(app: CKANTestApp, agency: Agency) -> str:
    """The address of a question that a citizen asks."""
    answer = Browser(app, new_citizen(app)).post(f"/en/questions/ask/{agency.name}", data={"text": f"Why {uuid4()}?"})
    assert answer.status_code == 302, answer.data[:500]
    return re.sub(r"^.*(/questions/)", r"\1", str(answer.headers["Location"]))


def said(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return " ".join(BeautifulSoup(answer.data, "html.parser").get_text(" ").split())


def verbs(address: str) -> list[tuple[str, str | None]]:
    found = events(model.Session, kind="question", object_id=address.rsplit("/", 1)[1])
    return [(event.verb, event.agency) for event in found]


def test_it_is_written_in_under_300_lines() -> None:
    files = [path for path in SECTION.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) < MOST_LINES


def test_the_guide_shows_the_code_of_the_section() -> None:
    guide = (ROOT / "docs" / "contributor.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\w+ (tests/example_section/questions/\S+)\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert {path.rsplit("/", 1)[1] for path, _code in shown} >= {
        *(
            "question.yaml",
            "roles.yaml",
            "model.py",
            "views.py",
            "staff.py",
            "telling.py",
            "index.py",
            "plugin.py",
            "decide.html",
        ),
    }
    assert [path for path, code in shown if code not in (ROOT / path).read_text(encoding="utf-8")] == []


def test_an_empty_question_is_not_taken(app: CKANTestApp, agency: Agency) -> None:
    citizen = Browser(app, new_citizen(app))
    answer = citizen.post(f"/en/questions/ask/{agency.name}", data={"text": " "})
    assert b"Write your question." in answer.data


def test_asking_needs_an_account_and_an_agency(app: CKANTestApp, agency: Agency) -> None:
    assert app.get(f"/questions/ask/{agency.name}", follow_redirects=False).status_code == 302
    assert app.get("/questions/ask/nobody-of-that-name").status_code == 404


def test_the_asker_has_a_receipt_that_holds_and_others_do_not_see_its_number(app: CKANTestApp, agency: Agency) -> None:
    asker = Browser(app, new_citizen(app))
    address = str(asker.post(f"/en/questions/ask/{agency.name}", data={"text": "Why?"}).headers["Location"])
    page = BeautifulSoup(asker.get(address).data, "html.parser")
    links = [str(link["href"]) for link in page.select("a[href*='/record?number=']")]
    assert len(links) == 1
    assert "The receipt holds in every point." in said(asker, links[0])
    assert "/record?number=" not in app.get(address).body


def test_the_question_waits_at_the_desk_of_its_agency_until_it_is_answered(
    app: CKANTestApp, agency: Agency, asked: str, stranger: Browser
) -> None:
    staff = Browser(app, agency.user)
    assert asked in str(staff.get("/en/staff/questions").data)
    assert asked in str(staff.get("/en/staff").data)
    assert asked not in str(stranger.get("/en/staff/questions").data)
    answer = staff.post(f"/en/staff{asked}", data={"transition": "answer", "answer": "Because."})
    assert answer.status_code == 302
    assert asked not in str(staff.get("/en/staff/questions").data)
    assert "Answered" in said(stranger, f"/en{asked}")
    assert "Because." in said(stranger, f"/en{asked}")
    assert verbs(asked) == [("create", agency.id), ("answer", agency.id)]


def test_another_agency_may_not_answer(agency: Agency, asked: str, stranger: Browser) -> None:
    assert stranger.get(f"/staff{asked}").status_code == 403
    assert stranger.post(f"/staff{asked}", data={"transition": "answer", "answer": "No."}).status_code == 403
    assert verbs(asked) == [("create", agency.id)]


def test_a_refusal_needs_a_reason_and_what_was_typed_stays(app: CKANTestApp, agency: Agency, asked: str) -> None:
    staff = Browser(app, agency.user)
    answer = staff.post(f"/en/staff{asked}", data={"transition": "refuse", "reason": " ", "answer": "half written"})
    page = BeautifulSoup(answer.data, "html.parser")
    assert page.select_one(".notice-bad") is not None
    assert page.select_one("#answer").get_text() == "half written"  # type: ignore[union-attr]
    assert verbs(asked) == [("create", agency.id)]


def test_the_asker_is_told_of_the_answer_by_mail_and_in_the_portal(
    app: CKANTestApp, agency: Agency, asked: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker of the tests does not know the section: it must not take its news away.
    monkeypatch.setattr(reading, "CONSUMER", "notices.of_the_example")
    read(app)
    Browser(app, agency.user).post(f"/staff{asked}", data={"transition": "answer", "answer": "Because."})
    read(app)
    about = {"about": f"question:{asked.rsplit('/', 1)[1]}"}
    with engine.begin() as connection:
        subjects = list(connection.scalars(text("SELECT subject FROM kzopen.mail WHERE :about = ANY (about)"), about))
        shown = list(connection.scalars(text("SELECT kind FROM kzopen.news WHERE about = :about"), about))
        connection.execute(text("DELETE FROM kzopen.outbox_consumer WHERE name = 'notices.of_the_example'"))
    assert [subject.rsplit(": ", 1)[1] for subject in subjects] == ["жауап келді"]
    assert shown == ["questions.answered"]


def test_a_question_is_found_beside_data_sets_with_its_answer(app: CKANTestApp, agency: Agency, asked: str) -> None:
    number = asked.rsplit("/", 1)[1]
    question = f"/en/search?section=question&q={said(Browser(app, new_citizen(app)), f'/en{asked}').split('Why ')[1][:36]}"
    shown = BeautifulSoup(app.get(question).data, "html.parser")
    assert [link["href"] for link in shown.select(".hits h3 a")] == [f"/en/questions/{number}"]
    Browser(app, agency.user).post(f"/staff{asked}", data={"transition": "answer", "answer": f"Because of {number}."})
    found = app.get("/api/search/v1", query_string={"q": f'"because of {number}"'}).json
    assert [(one["section"], one["id"]) for one in found["items"]] == [("question", number)]


def test_check_sees_a_question_that_changed_behind_the_portal(app: CKANTestApp, asked: str, engine: Engine) -> None:
    number = asked.rsplit("/", 1)[1]
    with engine.begin() as connection:
        connection.execute(text("UPDATE kzopen.example_question SET text = 'Behind' WHERE id = :id"), {"id": number})
    with app.flask_app.test_request_context():
        broken = rebuild.full_check(recompute_all=True)
        assert broken.stale_things == (f"question:{number}",)
        rebuild.repair(broken)
        assert rebuild.full_check(recompute_all=True).stale_things == ()


def read(app: CKANTestApp) -> None:
    """What the worker does all the time: make news of what has happened."""
    with app.flask_app.test_request_context():
        reading.read(model.Session)

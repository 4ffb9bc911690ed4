"""The staff decide on deliveries on pages: refuse, let out of quarantine, set thresholds and the rule of a second person."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core import record
from ckanext.kzopen.publishing import rules

from tests.publishing.conftest import SCHOOLS, Agency, Api, passport
from tests.publishing.test_decisions import FIELDS, MAILS, colleague
from tests.publishing.test_staff_pages import Browser, page, settled_page, upload, words

CLEAN = "bin,name,mail\n1,Гимназия,\n".encode()


@pytest.fixture
def staff(app: CKANTestApp, agency: Agency) -> Browser:
    return Browser(app, agency.user)


@pytest.fixture
def quarantined(api: Api, agency: Agency) -> str:
    """The address of the page of a delivery that waits in quarantine."""
    name = f"mails-{agency.name}"
    api.put(name, passport(agency.name, FIELDS, ["bin"]))
    return f"/staff/deliveries/{api.delivery(name, MAILS)['id']}"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("", "«mail» бағанында дербес деректер болуы мүмкін (электрондық пошта): 2 мән."),
        ("/ru", "В столбце «mail», похоже, персональные данные (электронная почта): значений – 2."),
        ("/en", "The column “mail” seems to hold personal data (e-mail): 2 values."),
    ],
)
def test_the_page_says_what_stopped_it(staff: Browser, quarantined: str, language: str, sentence: str) -> None:
    shown = page(staff.get(language + quarantined))

    assert sentence in words(shown, ".notice-bad")
    assert shown.select_one("textarea[name=reason][required]") is not None
    assert len(shown.select("#decision-heading ~ form button")) == 2


def test_it_is_let_out_with_a_reason(staff: Browser, quarantined: str) -> None:
    answer = staff.post(f"{quarantined}/release", data={"reason": "Мектептердің ресми пошталары"})

    assert answer.status_code == 302
    shown = settled_page(staff, quarantined)
    assert "Мектептердің ресми пошталары" in shown.get_text()
    assert shown.select_one("#decision-heading") is None


def test_without_a_reason_nothing_happens_and_the_page_says_so(staff: Browser, quarantined: str) -> None:
    staff.post(f"{quarantined}/release", data={"reason": "  "})

    shown = page(staff.get("/en" + quarantined))
    assert "quarantine" in words(shown, ".notice-bad")


def test_it_is_refused_with_a_reason(staff: Browser, quarantined: str) -> None:
    staff.post(f"{quarantined}/refuse", data={"reason": "Жеке пошталар"})

    shown = page(staff.get(quarantined))
    assert "Жеке пошталар" in shown.get_text()
    assert shown.select_one("#decision-heading") is None


@pytest.mark.parametrize(("language", "sentence"), [("", "ескі жолдар қайтып келеді"), ("/ru", "вернутся старые строки")])
def test_who_decides_is_told_that_newer_rows_are_published(
    staff: Browser, api: Api, agency: Agency, quarantined: str, language: str, sentence: str
) -> None:
    assert sentence not in page(staff.get(language + quarantined)).get_text()
    assert api.delivery(f"mails-{agency.name}", CLEAN)["version"]["number"] == 1

    assert sentence in page(staff.get(language + quarantined)).get_text()


def test_it_is_a_task_of_the_desk(staff: Browser, quarantined: str) -> None:
    assert quarantined in str(staff.get("/staff").data)


@pytest.mark.parametrize("second_person", ["nobody", "people"])
def test_what_an_author_uploads_is_a_task_of_the_approver_who_publishes_it(
    app: CKANTestApp, anyone: Api, agency: Agency, uri: str, second_person: rules.SecondPerson
) -> None:
    rules.set_second_person(model.Session(), agency.id, second_person, "tester")
    model.Session.commit()
    for role in ("author", "approver"):
        colleague(app, agency, role)
    author, approver = (Browser(app, f"{agency.name}-{role}") for role in ("author", "approver"))
    assert "/staff/deliveries/" not in page(approver.get("/staff")).get_text()

    number = upload(author, uri, SCHOOLS).rsplit("/", 1)[1]
    address = f"/staff/deliveries/{number}"
    shown = settled_page(approver, f"/en{address}")
    assert page(author.get(address)).select_one("form[action$='/publish']") is None
    assert author.post(f"{address}/publish").status_code == 403
    assert author.get("/staff").data.decode().count(address) == 0
    (task,) = page(approver.get("/en/staff")).select(f".task:has(a[href$='{address}'])")
    assert "Decide on the publication" in task.get_text()
    assert f"Sent by {agency.name}-author" in " ".join(shown.get_text(" ").split())
    assert anyone.get(f"/datasets/{uri}").json["version"] is None
    assert shown.select_one("form[action$='/publish'] button") is not None

    assert approver.post(f"{address}/publish").status_code == 302

    assert settled_page(approver, address).select_one(".state-accepted") is not None
    assert anyone.get(f"/datasets/{uri}").json["version"]["number"] == 1
    assert address not in approver.get("/staff").data.decode()
    (event,) = record.events(model.Session, kind="delivery", object_id=number, verb="approve")
    assert event.actor == model.User.get(f"{agency.name}-approver").id


def test_the_sender_is_told_when_somebody_else_decides(staff: Browser, api: Api, agency: Agency, uri: str) -> None:
    rules.set_second_person(model.Session(), agency.id, "people", "tester")
    model.Session.commit()
    number = api.delivery(uri, SCHOOLS)["id"]

    shown = page(staff.get(f"/en/staff/deliveries/{number}"))

    assert "somebody other than the sender decides" in shown.get_text()


def test_thresholds_are_kept_for_a_data_set(staff: Browser, uri: str) -> None:
    shown = page(staff.get(f"/staff/datasets/{uri}/rules"))
    assert shown.select_one("input[name=loss]")["value"] == "50"  # type: ignore[index]

    staff.post(f"/staff/datasets/{uri}/rules", data={"empty": "allow", "loss": "80", "columns": "allow"})
    staff.post(f"/staff/datasets/{uri}/rules", data={"empty": "anything", "loss": "800", "columns": "allow"})

    package = model.Package.get(uri)
    assert rules.thresholds(model.Session(), package.id) == rules.Thresholds("allow", 0.8, "allow")


def test_an_administrator_sets_whose_deliveries_a_second_person_approves(app: CKANTestApp) -> None:
    from tests.publishing.conftest import new_agency

    agency = new_agency(app, "admin")
    staff = Browser(app, agency.user)
    assert len(page(staff.get("/staff/approval")).select("select[name=second_person] option")) == 3

    staff.post("/staff/approval", data={"agency": agency.id, "second_person": "all"})

    model.Session.expire_all()
    assert rules.second_person(model.Session(), agency.id) == "all"
    assert staff.post("/staff/approval", data={"agency": "another", "second_person": "all"}).status_code == 200

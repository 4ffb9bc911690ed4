"""An administrator withdraws on the staff's pages: by the form, with a reason and the tick that confirms it."""

from __future__ import annotations

import pytest
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import SCHOOLS, Agency, Api, new_agency, passport
from tests.publishing.test_deliver import CHANGED, table, table_at
from tests.publishing.test_staff_pages import Browser, page, words
from tests.publishing.test_withdrawal import settled

REASON = {"reason.kk": "ЖСН жарияланған", "reason.ru": "Опубликованы ИИН", "reason.en": " "}
ORDER = {**REASON, "law": "Дербес деректер туралы заң, 7-бап", "confirm": "1"}


@pytest.fixture
def admin(app: CKANTestApp) -> Agency:
    """An agency whose user is its administrator."""
    return new_agency(app, role="admin")


@pytest.fixture
def staff(app: CKANTestApp, admin: Agency) -> Browser:
    return Browser(app, admin.user)


@pytest.fixture
def dataset(app: CKANTestApp, admin: Agency) -> str:
    """A data set of two versions."""
    api, name = Api(app, admin.token), f"on-pages-{admin.name[-8:]}"
    assert api.put(name, passport(admin.name)).status_code == 201
    for body in (SCHOOLS, CHANGED):
        assert api.delivery(name, body)["state"] == "accepted"
    return name


def test_a_version_is_withdrawn_by_the_form(app: CKANTestApp, staff: Browser, anyone: Api, dataset: str) -> None:
    link = page(staff.get(f"/en/staff/datasets/{dataset}")).select_one("a[href$='/versions/2/withdraw']")
    assert link is not None
    form = page(staff.get(str(link["href"])))
    assert "Other versions may hold the same rows and stay: 1." in words(form, ".notice-bad")
    assert {"Versions", "Parquet files", "DataStore tables", "Files as they were sent"} <= {
        one.get_text() for one in form.select(".panel li")
    }

    answer = staff.post(str(link["href"]), data=ORDER)

    assert answer.status_code == 302, answer.data[:500]
    gone = app.get(f"/data/{dataset}/v2.csv", status=410).json["withdrawn"]
    assert gone["reason"] == {"kk": REASON["reason.kk"], "ru": REASON["reason.ru"]}
    assert gone["law"] == ORDER["law"]
    assert table_at(app, f"/data/{dataset}.csv") == table(SCHOOLS)
    assert anyone.get(f"/datasets/{dataset}").json["version"]["number"] == 1
    assert settled(f"{dataset}/2").reason == gone["reason"]
    told = page(staff.get(answer.headers["Location"]))
    assert words(told, "h1") == f"Withdrawn: {dataset}/2"
    assert "It is out of every place since" in words(told, ".notice-good")
    assert [int(one.get_text()) for one in page(staff.get(f"/staff/datasets/{dataset}")).select("tbody th")][:1] == [1]


def test_a_data_set_is_withdrawn_by_the_form(app: CKANTestApp, staff: Browser, dataset: str) -> None:
    answer = staff.post(f"/staff/datasets/{dataset}/withdraw", data=ORDER)

    assert answer.status_code == 302, answer.data[:500]
    assert app.get(f"/dataset/{dataset}", headers={"Accept": "text/html"}, status=410)
    assert REASON["reason.ru"] in page(staff.get("/ru/staff/withdrawals")).get_text()


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({**ORDER, "confirm": ""}, "#f-confirm-error", "Подтвердите, что изъятие необратимо."),
        (
            {"law": "7-бап", "confirm": "1"},
            "#f-reason-kk-error",
            "Укажите причину изъятия хотя бы на одном языке. Её увидят читатели.",
        ),
    ],
)
def test_without_a_tick_or_a_reason_nothing_is_withdrawn_and_nothing_typed_is_lost(
    app: CKANTestApp, staff: Browser, dataset: str, given: dict[str, str], field: str, sentence: str
) -> None:
    shown = page(staff.post(f"/ru/staff/datasets/{dataset}/withdraw", data=given))

    assert words(shown, field) == sentence
    assert shown.select_one("#f-law")["value"] == given["law"]  # type: ignore[index]
    assert words(shown, "#f-reason-kk") == given.get("reason.kk", "")
    assert table_at(app, f"/data/{dataset}.csv") == table(CHANGED)


def test_an_editor_gets_no_form(app: CKANTestApp, api: Api, agency: Agency, uri: str) -> None:
    assert api.delivery(uri, SCHOOLS)["state"] == "accepted"
    editor = Browser(app, agency.user)

    assert page(editor.get(f"/staff/datasets/{uri}")).select("a[href$='/withdraw']") == []
    assert editor.post(f"/staff/datasets/{uri}/withdraw", data=ORDER).status_code == 403
    assert table_at(app, f"/data/{uri}.csv") == table(SCHOOLS)

"""The staff's pages: describe a data set, upload its table, read the report, publish; without a script in the browser."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.forms import values_of

from tests.publishing.conftest import PASSWORD, PATIENCE, SCHOOLS, Agency, Api, passport
from tests.publishing.test_deliver import BAD, CHANGED


class Browser:
    """A browser that is signed in and shows redirects instead of following them."""

    def __init__(self, app: CKANTestApp, user: str) -> None:
        self.client = app.test_client()
        answer = self.post("/user/login", data={"login": user, "password": PASSWORD})
        assert answer.status_code == 302, "signing in failed"

    def get(self, address: str) -> Any:
        return self.client.get(address, follow_redirects=False)

    def post(self, address: str, data: dict[str, Any] | None = None) -> Any:
        return self.client.post(address, data=data or {}, follow_redirects=False)


@pytest.fixture
def staff(app: CKANTestApp, agency: Agency) -> Browser:
    """A browser in which the agency's editor is signed in."""
    return Browser(app, agency.user)


def page(answer: Any) -> BeautifulSoup:
    assert answer.status_code == 200, answer.data[:500]
    return BeautifulSoup(answer.data, "html.parser")


def words(soup: BeautifulSoup, selector: str) -> str:
    found = soup.select_one(selector)
    assert found is not None, f"{selector} is not on the page"
    return " ".join(found.get_text(" ").split())


def upload(staff: Browser, uri: str, body: bytes, language: str = "") -> str:
    """Upload a file; the address of the page of its delivery."""
    address = f"{language}/staff/datasets/{uri}/deliveries/new"
    answer = staff.post(address, data={"mode": "replace", "key": uuid4().hex, "file": (io.BytesIO(body), "schools.csv")})
    assert answer.status_code == 302, answer.data[:500]
    return str(answer.headers["Location"])


def settled_page(staff: Browser, address: str) -> BeautifulSoup:
    """The delivery's page once the worker has nothing more to do."""
    until = time.monotonic() + PATIENCE
    while (soup := page(staff.get(address))).select_one(".notice-info"):
        assert time.monotonic() < until, "the worker did not come to an end"
        time.sleep(0.2)
    return soup


def test_whoever_is_not_signed_in_is_sent_to_sign_in(app: CKANTestApp) -> None:
    answer = app.test_client(use_cookies=False).get("/staff", follow_redirects=False)

    assert answer.status_code == 302
    assert "/user/login?came_from=/staff" in answer.headers["Location"]


def test_the_start_page_lists_my_data_sets_and_deliveries(staff: Browser, api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    soup = page(staff.get("/staff/datasets"))

    assert soup.select_one(f'a[href$="/staff/datasets/{uri}"]') is not None
    assert soup.select_one(f'a[href$="/staff/datasets/{uri}/deliveries/new"]') is not None
    assert soup.select_one(".state-accepted") is not None


def test_a_passport_is_made_by_the_form(staff: Browser, anyone: Api, agency: Agency) -> None:
    name = f"by-form-{uuid4().hex[:8]}"
    values = values_of(passport(agency.name)) | {"uri": name, "save": "1"}

    answer = staff.post("/staff/datasets/new", data=values)

    assert answer.status_code == 302
    told = anyone.get(f"/datasets/{name}").json
    assert told["title"] == {"kk": "Мектептер тізімі", "ru": "Перечень школ", "en": "List of schools"}
    assert [(field["name"], field["type"]) for field in told["schema"]["fields"]] == [
        ("bin", "string"),
        ("name", "string"),
        ("pupils", "integer"),
    ]
    assert told["schema"]["primaryKey"] == ["bin"]


def test_mistakes_in_the_form_are_told_beside_their_fields_and_nothing_typed_is_lost(staff: Browser, agency: Agency) -> None:
    values = values_of(passport(agency.name)) | {"uri": "Wrong Name", "save": "1"}

    soup = page(staff.post("/ru/staff/datasets/new", data=values))

    assert words(soup, "#f-uri-error") == ("Имя в адресе – строчные латинские буквы, цифры, «-» и «_», от 2 до 100 знаков.")
    assert soup.select_one("#f-title-ru")["value"] == "Перечень школ"  # type: ignore[index]


def test_columns_can_be_taken_from_a_file(staff: Browser, agency: Agency) -> None:
    values = {"owner": agency.name, "take": "1", "sample": (io.BytesIO(SCHOOLS), "schools.csv")}

    soup = page(staff.post("/staff/datasets/new", data=values))

    taken = [
        (
            soup.select_one(f'[name="columns.{n}.name"]')["value"],
            soup.select_one(f'[name="columns.{n}.type"] [selected]')["value"],
        )  # type: ignore[index]
        for n in range(3)
    ]
    assert taken == [("bin", "string"), ("name", "string"), ("pupils", "integer")]


def test_editing_keeps_the_rules_that_the_form_does_not_show(staff: Browser, anyone: Api, agency: Agency, uri: str) -> None:
    form = page(staff.get(f"/staff/datasets/{uri}/edit"))
    assert form.select_one("#f-title-kk")["value"] == "Мектептер тізімі"  # type: ignore[index]
    values = values_of(passport(agency.name)) | {"title.kk": "Мектептер", "save": "1"}

    assert staff.post(f"/staff/datasets/{uri}/edit", data=values).status_code == 302

    told = anyone.get(f"/datasets/{uri}").json
    assert told["title"]["kk"] == "Мектептер"
    assert told["schema"]["fields"][0]["constraints"] == {"required": True, "pattern": "[0-9]{12}"}


def test_a_file_is_uploaded_checked_and_published_by_a_person(staff: Browser, api: Api, uri: str) -> None:
    api.delivery(uri, SCHOOLS)

    address = upload(staff, uri, CHANGED)
    checked = settled_page(staff, address)
    assert checked.select_one(".state-awaiting_approval") is not None
    assert api.get(f"/datasets/{uri}").json["version"]["number"] == 1

    assert staff.post(f"{address}/publish").status_code == 302
    published = settled_page(staff, address)

    assert published.select_one(".state-accepted") is not None
    assert [int(count.get_text()) for count in published.select(".count b")] == [3, 1, 1, 1, 1, 0]
    changed = [cell.get_text() for cell in published.select("tr.diff-changed td")]
    assert changed == ["000140000012", "pupils", "640", "655"]
    assert api.get(f"/datasets/{uri}").json["version"]["number"] == 2


def test_the_page_of_a_data_set_tells_its_versions_and_deliveries(staff: Browser, api: Api, uri: str) -> None:
    sent = [api.delivery(uri, body)["id"] for body in (SCHOOLS, BAD, CHANGED)]

    soup = page(staff.get(f"/en/staff/datasets/{uri}"))

    versions = [
        [" ".join(cell.get_text(" ").split()) for cell in row.select("th, td")]
        for row in soup.select("[aria-labelledby=versions-heading] tbody tr")
    ]
    assert [[row[0], *row[2:]] for row in versions] == [
        ["2", "3", "1", "1", "1", "What came 2"],
        ["1", "3", "3", "0", "0", "What came 1"],
    ]
    links = [str(link["href"]) for link in soup.select("[aria-labelledby=versions-heading] tbody a")]
    assert links == [f"/en/staff/deliveries/{sent[2]}", f"/en/staff/deliveries/{sent[0]}"]
    states = [one["class"][-1] for one in soup.select("[aria-labelledby=deliveries-heading] .state")]
    assert states == ["state-accepted", "state-refused", "state-accepted"]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("/kk", "3-жол: «name» бағанын толтыру міндетті, бірақ ұяшық бос. Мәнді енгізіңіз."),
        ("/ru", "Строка 3: столбец «name» обязателен, а ячейка пуста. Впишите значение."),
        ("/en", "Row 3: column “name” must be filled, but the cell is empty. Enter the value."),
    ],
)
def test_the_report_says_in_the_readers_language_what_to_mend(staff: Browser, uri: str, language: str, sentence: str) -> None:
    address = upload(staff, uri, BAD, language)

    soup = settled_page(staff, address)

    assert soup.select_one(".state-refused") is not None
    assert soup.select_one("form[action$='/publish']") is None
    assert sentence in [cell.get_text() for cell in soup.select("table.report td")]


def test_what_was_refused_cannot_be_published(staff: Browser, uri: str) -> None:
    address = upload(staff, uri, BAD)
    settled_page(staff, address)

    staff.post(f"{address}/publish")

    assert settled_page(staff, address).select_one(".state-refused") is not None


@pytest.mark.parametrize("path", ["", "/edit", "/deliveries/new"])
def test_another_agencys_pages_are_closed(app: CKANTestApp, other_agency: Agency, uri: str, path: str) -> None:
    stranger = Browser(app, other_agency.user)

    assert stranger.get(f"/staff/datasets/{uri}{path}").status_code == 403


@pytest.fixture
def checked_forms(app: CKANTestApp, staff: Browser) -> Iterator[None]:
    """The portal with its check of forms on, after signing in; tests of other things switch it off."""
    app.flask_app.config["WTF_CSRF_ENABLED"] = True
    yield
    app.flask_app.config["WTF_CSRF_ENABLED"] = False


@pytest.mark.usefixtures("checked_forms")
def test_a_form_of_another_site_is_refused_even_after_a_program_used_the_page(
    app: CKANTestApp, staff: Browser, agency: Agency, uri: str
) -> None:
    by_token = app.test_client(use_cookies=False)
    by_token.get(f"/staff/datasets/{uri}/deliveries/new", headers={"Authorization": agency.token})

    forged = staff.post(f"/staff/datasets/{uri}/deliveries/new", data={"file": (io.BytesIO(SCHOOLS), "schools.csv")})

    assert forged.status_code == 400


@pytest.mark.usefixtures("checked_forms")
def test_the_portals_own_form_passes_the_check(staff: Browser, uri: str) -> None:
    soup = page(staff.get(f"/staff/datasets/{uri}/deliveries/new"))
    token = soup.select_one('main input[name="_csrf_token"], form[enctype] input[name="_csrf_token"]')["value"]  # type: ignore[index]

    body = {"_csrf_token": token, "mode": "replace", "file": (io.BytesIO(SCHOOLS), "schools.csv")}

    assert staff.post(f"/staff/datasets/{uri}/deliveries/new", data=body).status_code == 302

"""Whoever fills in the staff's forms is told all that is wrong at once, beside its field, in words that are no program's."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.forms import values_of

from tests.publishing.conftest import Agency, passport
from tests.publishing.test_staff_pages import Browser, page, words

NEW = "/kk/staff/datasets/new"
CHOOSE = "Тізімнен таңдаңыз."


@pytest.fixture
def staff(app: CKANTestApp, agency: Agency) -> Browser:
    """A browser in which the agency's editor is signed in."""
    return Browser(app, agency.user)


def saved(staff: Browser, agency: Agency, **changed: str) -> BeautifulSoup:
    """The page that answers a form which cannot be saved; `__` stands for the points in the names of inputs."""
    values = values_of(passport(agency.name)) | {"uri": f"wrong-{uuid4().hex[:8]}", "save": "1"}
    return page(staff.post(NEW, data=values | {name.replace("__", "."): text for name, text in changed.items()}))


def told(soup: BeautifulSoup) -> dict[str, str]:
    """What is wrong, by the name of the input beside which it stands."""
    marked = soup.select("[aria-invalid=true]")
    return {str(box["name"]): words(soup, f"#{str(box['aria-describedby']).split()[-1]}") for box in marked}


def columns_of(soup: BeautifulSoup) -> dict[str, str]:
    """The inputs of columns, as a browser sends them."""
    boxes = soup.select('input[name^="columns."]:not([type="checkbox"])')
    return {str(box["name"]): str(box.get("value") or "") for box in boxes}


def rows_of(soup: BeautifulSoup) -> int:
    return len(soup.select('input[name$=".name"][name^="columns."]'))


def test_enter_saves_whichever_field_it_is_pressed_in(staff: Browser) -> None:
    form = page(staff.get(NEW)).select_one("form[enctype]")

    assert form is not None
    first = form.select_one("[type=submit]")
    assert first is not None
    assert first.get("name") is None  # neither of the buttons that do something else than save
    assert len(form.select("button[name=save]")) == 1


def test_an_empty_form_tells_all_required_fields_at_once(staff: Browser) -> None:
    soup = page(staff.post(NEW, data={"save": "1", "uri": ""}))

    assert sorted(told(soup)) == [
        "category", "description.kk", "description.ru", "owner", "periodicity", "title.kk", "title.ru", "uri",
    ]  # fmt: skip


def test_choices_are_not_told_by_their_codes(staff: Browser, agency: Agency) -> None:
    soup = saved(staff, agency, category="", periodicity="sometimes")

    assert told(soup) == {"category": CHOOSE, "periodicity": CHOOSE}
    assert "CONTINUOUS" not in words(soup, "#f-periodicity-error")


@pytest.mark.parametrize("part", ["email", "phone"])
def test_an_address_for_questions_asks_for_whose_it_is(staff: Browser, agency: Agency, part: str) -> None:
    given = {"responsible__email": "", "responsible__name__kk": "", "responsible__name__ru": ""}
    address = {"responsible__email": "data@example.org"} if part == "email" else {"responsible__phone": "+7 7172 00 00 00"}

    soup = saved(staff, agency, **given | address)

    sentence = "Пошта немесе телефон көрсетілсе, бұл өріс те толтырылады: хабарласқан адам кімге жазып отырғанын білуі керек."
    assert told(soup) == {"responsible.name.kk": sentence, "responsible.name.ru": sentence}


def test_the_form_says_beforehand_when_the_responsible_is_required(staff: Browser) -> None:
    soup = page(staff.get(NEW))

    assert words(soup, "#f-responsible-name-kk-hint") == "Пошта немесе телефон көрсетілсе, міндетті."


def test_a_form_with_mistakes_does_not_grow(staff: Browser) -> None:
    soup = page(staff.get(NEW))
    rows = rows_of(soup)
    for _ in range(3):
        soup = page(staff.post(NEW, data={"save": "1", "uri": "Wrong Name"} | columns_of(soup)))

    assert rows_of(soup) == rows


def test_more_rows_of_columns_stay_while_mistakes_are_mended(staff: Browser) -> None:
    soup = page(staff.post(NEW, data={"more": "1", **{f"columns.{n}.name": "" for n in range(3)}}))
    assert rows_of(soup) == 13

    assert rows_of(page(staff.post(NEW, data={"save": "1", **columns_of(soup)}))) == 13


@pytest.mark.parametrize(
    ("changed", "place", "begins"),
    [
        ({"columns__4__pattern": "[0-9{"}, "columns.4.pattern", "«kind» бағаны: «[0-9{» үлгісі дұрыс жазылмаған."),
        ({"columns__4__type": "integer", "columns__4__enum": "1; екі"}, "columns.4.enum", "«kind» бағанының түрі – бүтін сан"),
        ({"columns__4__name": "_kind"}, "columns.4.name", "«_kind» баған атауына жарамайды"),
    ],
)
def test_a_mistake_in_a_column_is_told_in_its_row(
    staff: Browser, agency: Agency, changed: dict[str, str], place: str, begins: str
) -> None:
    soup = saved(staff, agency, **{"columns__4__name": "kind"} | changed)  # the row before it is empty

    found = told(soup)
    assert list(found) == [place]
    assert found[place].startswith(begins)


def test_what_is_wrong_with_all_columns_is_told_above_them(staff: Browser, agency: Agency) -> None:
    soup = saved(staff, agency, columns__3__name="bin")

    assert told(soup) == {}
    assert words(soup, "#columns-heading ~ .field-error") == "Бағандардың атаулары қайталанады: bin."


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (None, "Файлды таңдаңыз."),
        ((b"", "table.csv"), "Файл бос. Кестесі бар файлды таңдаңыз."),
    ],
)
def test_a_sample_that_is_missing_or_empty_is_told_as_such(staff: Browser, sample: Any, sentence: str) -> None:
    given = {"sample": (io.BytesIO(sample[0]), sample[1])} if sample else {}

    soup = page(staff.post(NEW, data={"take": "1"} | given))

    assert words(soup, ".upload .field-error") == sentence


@pytest.mark.parametrize(
    ("body", "name", "sentence"),
    [(b"", "", "Файлды таңдаңыз."), (b"", "table.csv", "Файл бос. Кестесі бар файлды таңдаңыз.")],
)
def test_an_upload_that_is_missing_or_empty_is_told_as_such(
    staff: Browser, uri: str, body: bytes, name: str, sentence: str
) -> None:
    address = f"/kk/staff/datasets/{uri}/deliveries/new"

    soup = page(staff.post(address, data={"mode": "replace", "key": uuid4().hex, "file": (io.BytesIO(body), name)}))

    assert words(soup, ".notice-bad") == sentence

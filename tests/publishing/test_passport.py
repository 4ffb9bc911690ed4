"""`PUT /datasets/{uri}`: what a data set is, in three languages."""

from __future__ import annotations

from uuid import uuid4

import pytest
from ckan.tests.helpers import CKANTestApp

from tests.publishing.conftest import Agency, Api, passport


def test_a_new_passport_is_told_back_as_it_was_given(api: Api, anyone: Api, agency: Agency) -> None:
    name = f"schools-{uuid4().hex[:10]}"

    created = api.put(name, passport(agency.name))

    assert created.status_code == 201
    told = anyone.get(f"/datasets/{name}").json
    assert told["title"] == {"kk": "Мектептер тізімі", "ru": "Перечень школ", "en": "List of schools"}
    assert told["description"] == {"kk": "Мектептердің мекенжайлары мен оқушылар саны.", "ru": "Адреса школ и число учащихся."}
    assert told["owner"] == agency.name
    assert (told["category"], told["periodicity"]) == ("education", "YEARLY")
    assert told["responsible"] == {"name": {"kk": "Деректер бөлімі", "ru": "Отдел данных"}, "email": "data@example.org"}
    assert told["keywords"] == {"kk": ["мектеп"], "ru": ["школа"]}
    assert [field["name"] for field in told["schema"]["fields"]] == ["bin", "name", "pupils"]
    assert told["schema"]["primaryKey"] == ["bin"]
    assert told["version"] is None


def test_the_same_address_changes_the_passport(api: Api, agency: Agency, uri: str) -> None:
    changed = passport(agency.name) | {"title": {"kk": "Мектептер", "ru": "Школы"}, "responsible": None}

    answer = api.put(uri, changed)

    assert answer.status_code == 200
    assert answer.json["title"] == {"kk": "Мектептер", "ru": "Школы"}
    assert answer.json["responsible"] is None


def test_ckan_shows_the_passport_in_the_form_that_other_extensions_know(app: CKANTestApp, uri: str) -> None:
    package = app.get(f"/api/3/action/package_show?id={uri}").json["result"]

    assert package["title_translated"] == {"kk": "Мектептер тізімі", "ru": "Перечень школ", "en": "List of schools"}
    assert package["title"] == "Мектептер тізімі"
    assert package["tags_translated"] == {"kk": ["мектеп"], "ru": ["школа"]}
    assert sorted(tag["name"] for tag in package["tags"]) == ["мектеп", "школа"]


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        ({"title": {"kk": "Тек қазақша"}}, "title.ru", "publishing.input_missing"),
        ({"category": "weather"}, "category", "publishing.input_choice"),
        ({"colour": "blue"}, "colour", "publishing.input_unknown_key"),
        ({"schema": {}}, "schema.fields", "publishing.input_missing"),
        ({"schema": {"fields": [{"name": "a"}, {"name": "a"}]}}, "schema", "publishing.input_columns_repeat"),
        ({"schema": {"fields": [{"name": "_id"}]}}, "schema.fields.0.name", "publishing.input_column_name"),
        ({"schema": {"fields": [{"name": "a"}], "primaryKey": "b"}}, "schema", "publishing.input_key_unknown"),
        ({"responsible": {"name": {"kk": "А", "ru": "А"}, "email": "nobody"}}, "responsible.email", "publishing.input_email"),
    ],
)
def test_a_mistake_in_a_passport_is_named_with_its_place(
    api: Api, agency: Agency, change: dict[str, object], place: str, code: str
) -> None:
    answer = api.put(f"wrong-{uuid4().hex[:10]}", passport(agency.name) | change)

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert [(error["field"], error["code"]) for error in answer.json["errors"]] == [(place, code)]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "Сұраныста қате бар: title.ru: Бұл өрісті толтыру керек."),
        ("ru", "В запросе ошибка: title.ru: Это поле нужно заполнить."),
        ("en", "The request is wrong: title.ru: This must be filled in."),
    ],
)
def test_a_mistake_is_told_in_the_language_asked_for(api: Api, agency: Agency, language: str, sentence: str) -> None:
    api.language = language

    answer = api.put(f"wrong-{uuid4().hex[:10]}", passport(agency.name) | {"title": {"kk": "Тек қазақша"}})

    assert answer.json["detail"] == sentence


@pytest.mark.parametrize("name", ["A", "x", "with space", "Кестелер", "a" * 101])
def test_a_name_that_cannot_be_an_address_is_refused(api: Api, agency: Agency, name: str) -> None:
    answer = api.put(name, passport(agency.name))

    assert answer.status_code == 400
    assert answer.json["errors"][0]["code"] == "publishing.input_uri"


def test_an_owner_that_is_not_registered_is_named(api: Api) -> None:
    answer = api.put(f"wrong-{uuid4().hex[:10]}", passport("no-such-agency"))

    assert (answer.status_code, answer.json["code"]) == (422, "publishing.unknown_owner")


def test_a_data_set_cannot_be_given_to_another_agency(api: Api, other_agency: Agency, uri: str) -> None:
    answer = api.put(uri, passport(other_agency.name))

    assert (answer.status_code, answer.json["code"]) == (409, "publishing.owner_is_fixed")


def test_a_data_set_that_does_not_exist_is_a_404(anyone: Api) -> None:
    answer = anyone.get("/datasets/there-is-none")

    assert (answer.status_code, answer.json["code"]) == (404, "publishing.unknown_dataset")


def test_openapi_names_every_call_and_the_models_that_check_the_input(anyone: Api) -> None:
    document = anyone.get("/openapi.json").json

    assert document["openapi"] == "3.1.0"
    assert sorted(document["paths"]) == [
        "/datasets/{uri}",
        "/datasets/{uri}/resources/{resource}/withdraw",
        "/datasets/{uri}/rows",
        "/datasets/{uri}/versions",
        "/datasets/{uri}/versions/{number}/diff",
        "/datasets/{uri}/versions/{number}/withdraw",
        "/datasets/{uri}/withdraw",
        "/deliveries/{delivery}",
        "/deliveries/{delivery}/approve",
        "/deliveries/{delivery}/refuse",
        "/deliveries/{delivery}/release",
        "/deliveries/{delivery}/report",
        "/uploads",
        "/uploads/{upload}",
        "/uploads/{upload}/complete",
    ]
    assert document["components"]["schemas"]["Passport"]["required"] == [
        "title",
        "description",
        "owner",
        "category",
        "periodicity",
        "schema",
    ]

"""`PUT /datasets/{uri}`: what a data set is, in three languages."""

from __future__ import annotations

from uuid import uuid4

import pytest
import rdflib
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.validation.schema import compiled

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


def test_its_words_are_told_in_dcat_language_by_language(app: CKANTestApp, uri: str) -> None:
    told = rdflib.Graph().parse(data=app.get(f"/dataset/{uri}.ttl").body, format="turtle")

    (dataset,) = told.subjects(rdflib.RDF.type, rdflib.DCAT.Dataset)
    titles, words = (set(told.objects(dataset, of)) for of in (rdflib.DCTERMS.title, rdflib.DCAT.keyword))
    given = {"kk": "Мектептер тізімі", "ru": "Перечень школ", "en": "List of schools"}
    assert titles == {rdflib.Literal(text, lang=language) for language, text in given.items()}
    assert words == {rdflib.Literal("мектеп", lang="kk"), rdflib.Literal("школа", lang="ru")}


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
    ("column", "code"),
    [
        ({"type": "string", "constraints": {"pattern": "[0-9{"}}, "publishing.input_pattern"),
        ({"type": "string", "constraints": {"pattern": "a{99999999999}"}}, "publishing.input_pattern"),
        ({"type": "string", "constraints": {"pattern": 5}}, "publishing.input_rule"),
        ({"type": "string", "constraints": {"enum": [1, 2]}}, "publishing.input_enum"),
        ({"type": "integer", "constraints": {"enum": ["1", "екі"]}}, "publishing.input_enum"),
        ({"type": "number", "constraints": {"enum": ["1,5"]}}, "publishing.input_enum"),
        ({"type": "boolean", "constraints": {"enum": ["иә"]}}, "publishing.input_enum"),
        ({"type": "date", "constraints": {"enum": ["31.02.2026"]}}, "publishing.input_enum"),
        ({"type": "date", "constraints": {"minimum": "yesterday"}}, "publishing.input_rule"),
        ({"type": "string", "constraints": {"enum": []}}, "publishing.input_rule"),
        ({"type": "string", "constraints": {"minimum": 1}}, "publishing.input_rule"),
        ({"type": "integer", "constraints": {"minLength": 1}}, "publishing.input_rule"),
        ({"type": "string", "constraints": {"required": "yes"}}, "publishing.input_rule"),
        ({"type": "integer", "constraints": {"minimum": 10, "maximum": 9}}, "publishing.input_bounds"),
        ({"type": "number", "constraints": {"exclusiveMinimum": 1.5, "maximum": "1.5"}}, "publishing.input_bounds"),
        ({"type": "date", "constraints": {"minimum": "2026-02-01", "maximum": "2026-01-01"}}, "publishing.input_bounds"),
        ({"type": "string", "constraints": {"minLength": 5, "maxLength": 4}}, "publishing.input_bounds"),
    ],
)
def test_a_rule_that_no_file_could_keep_is_refused_when_it_is_saved(
    api: Api, agency: Agency, column: dict[str, object], code: str
) -> None:
    schema = {"fields": [{"name": "fine", "type": "string"}, {"name": "wrong", **column}]}

    answer = api.put(f"wrong-{uuid4().hex[:10]}", passport(agency.name) | {"schema": schema})

    assert answer.status_code == 400, answer.json
    assert [(error["field"], error["code"]) for error in answer.json["errors"]] == [("schema.fields.1", code)]
    assert "wrong" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize(
    "column",
    [
        {"type": "string", "constraints": {"pattern": "[0-9]{12}|№\\d+", "minLength": 1, "maxLength": 1, "unique": True}},
        {"type": "integer", "constraints": {"enum": [1, "2", ""], "minimum": 1, "maximum": 1}},
        {"type": "number", "decimalChar": ",", "groupChar": " ", "constraints": {"enum": ["1 000,5", 2.5], "minimum": "0,5"}},
        {"type": "boolean", "trueValues": ["иә"], "falseValues": ["жоқ"], "constraints": {"enum": ["иә"]}},
        {"type": "date", "format": "%d.%m.%Y", "constraints": {"enum": ["31.01.2026"], "minimum": "01.01.2020"}},
        {"type": "date", "format": "any", "constraints": {"enum": ["Jan 1st 2026"]}},
        {"type": "datetime", "constraints": {"minimum": "2026-01-31T14:30:00Z", "maximum": "2026-02-01T14:30:00"}},
        {"type": "time", "constraints": {"minimum": "08:00:00", "maximum": "18:00:00"}},
        {"type": "year", "constraints": {"minimum": "1991", "maximum": 2026}},
        {"type": "integer", "bareNumber": False, "constraints": {"enum": ["10 %"]}},
        {"type": "string", "missingValues": ["-"], "constraints": {"enum": ["a", "-"]}},
        {"type": "geopoint", "constraints": {"enum": ["51.1, 71.4"]}},
    ],
)
def test_a_rule_that_can_be_kept_is_saved_as_it_is_and_files_are_checked_by_it(
    api: Api, agency: Agency, column: dict[str, object]
) -> None:
    name, field = f"ruled-{uuid4().hex[:10]}", {"name": "ruled", **column}

    answer = api.put(name, passport(agency.name) | {"schema": {"fields": [field]}})

    assert answer.status_code == 201, answer.json
    assert answer.json["schema"]["fields"] == [field]
    compiled({"fields": [field]})


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("kk", "«bin» бағаны: «[0-9{» үлгісі дұрыс жазылмаған. Жақшалардың жұбын тексеріңіз; 12 цифрдың үлгісі: [0-9]{12}."),
        ("ru", "Столбец «bin»: образец «[0-9{» записан неверно. Проверьте, закрыты ли скобки; образец 12 цифр: [0-9]{12}."),
        ("en", "Column “bin”: the pattern “[0-9{” is not valid. Check that all brackets are closed; 12 digits are [0-9]{12}."),
    ],
)
def test_a_broken_pattern_is_told_in_the_readers_language(api: Api, agency: Agency, language: str, sentence: str) -> None:
    api.language = language
    fields = [{"name": "bin", "type": "string", "constraints": {"pattern": "[0-9{"}}]

    answer = api.put(f"wrong-{uuid4().hex[:10]}", passport(agency.name, fields, []))

    assert answer.json["errors"][0]["message"] == sentence


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

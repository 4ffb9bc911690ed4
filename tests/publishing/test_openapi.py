"""The description of the universal API holds: every call is described, and what is described is what is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing import api_words, openapi
from ckanext.kzopen.publishing.calls_shown import CALLS
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from tests.conftest import examples
from tests.publishing.conftest import BASE, SCHOOLS, Agency, Api, new_agency, passport

ADDRESS = "http://portal.example"
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
KNOWS = {call.name: {200} if call.open and call.name != "get_difference" else set() for call in CALLS}
"""Statuses that a run must have met: the table that exists is asked for by name first, so none is left to chance."""
BOUNDED = settings(
    max_examples=examples(8),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described(app: CKANTestApp) -> Any:
    return Api(app).get("/openapi.json").json


def test_every_call_that_exists_is_described(app: CKANTestApp, described: Any) -> None:
    rules = [rule for rule in app.flask_app.url_map.iter_rules() if rule.endpoint.startswith("kzopen_universal_api.")]
    existing = {rule.endpoint.split(".")[1] for rule in rules} - {"get_openapi", "get_page"}

    told = {call["operationId"] for item in described["paths"].values() for m, call in item.items() if m != "parameters"}

    assert told - {"head_upload"} == existing


def test_it_is_told_in_the_readers_language(app: CKANTestApp) -> None:
    told = {
        lang: openapi.document(ADDRESS, lang)["paths"]["/datasets/{uri}/rows"]["post"]["summary"]
        for lang in ("kk", "ru", "en")
    }

    assert told == {"kk": "Жолдарды жіберу", "ru": "Отправить строки", "en": "Send rows"}


def descriptions(part: Any) -> Iterator[str]:
    """Every description of a document; a field of a shape that is called so is none."""
    if isinstance(part, dict):
        found = part.get("description")
        yield from [found] if isinstance(found, str) else []
        part = list(part.values())
    for one in part if isinstance(part, list) else ():
        yield from descriptions(one)


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_no_description_is_left_in_english(language: str) -> None:
    english, told = openapi.document(ADDRESS, "en"), openapi.document(ADDRESS, language)
    pairs = list(zip(descriptions(english), descriptions(told), strict=True))
    assert len(pairs) > 80
    assert [before for before, after in pairs if not after or before == after] == []


def test_every_parameter_says_what_it_means(described: Any) -> None:
    parameters = [
        (path, one["name"], one.get("description"))
        for path, item in described["paths"].items()
        for call in ({"parameters": item.get("parameters", [])}, *(item[method] for method in item if method != "parameters"))
        for one in call.get("parameters", [])
    ]
    assert len(parameters) > 25
    assert [one for one in parameters if not one[2]] == []


def test_no_sentence_is_translated_that_nobody_says() -> None:
    assert set(api_words.words()) - set(descriptions(openapi.document(ADDRESS, "en"))) == set()


def test_a_parameter_is_described_as_the_model_checks_it(described: Any) -> None:
    parameters = {one["name"]: one["schema"] for one in described["paths"]["/datasets/{uri}/rows"]["post"]["parameters"]}

    assert parameters["mode"]["enum"] == ["replace", "append", "upsert", "delete"]
    assert parameters["publish_at"] == {"format": "date-time", "type": "string"}
    assert parameters["Idempotency-Key"]["maxLength"] == 255


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_page_shows_every_call_and_needs_no_script(app: CKANTestApp, language: str) -> None:
    answer = app.test_client(use_cookies=False).get(
        f"{BASE}/docs", headers={"Accept-Language": language, "Accept": "text/html"}
    )

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    for call in CALLS:
        assert f'id="{call.name}"' in page
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


@pytest.fixture(scope="module")
def published(app: CKANTestApp) -> tuple[Agency, str]:
    """An agency with a published table, whose name schemathesis is told; after `withdraw_dataset` it is gone."""
    return newly_published(app)


def newly_published(app: CKANTestApp) -> tuple[Agency, str]:
    agency = new_agency(app, "admin")
    api, uri = Api(app, agency.token), f"fuzzed-{agency.name}"
    assert api.put(uri, passport(agency.name)).status_code == 201
    api.delivery(uri, SCHOOLS)
    return agency, uri


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_what_is_answered_is_what_is_described(
    app: CKANTestApp, described: Any, published: tuple[Agency, str], call: Any
) -> None:
    agency, uri = published
    seen: set[int] = set()
    for names in ({"const": uri}, {}):
        operation = schema_with(app, described, names)[call.path][call.method.upper()]

        @given(case=operation.as_strategy())
        @BOUNDED
        def tried(case: Any) -> None:
            answer = case.call(headers={"Authorization": agency.token})
            seen.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        tried()
    assert seen & KNOWS[call.name] == KNOWS[call.name], seen


def test_an_answer_that_is_not_as_described_is_found(app: CKANTestApp, described: Any) -> None:
    agency, uri = newly_published(app)
    schema = schema_with(app, described, {"const": uri}, answered_by="VersionsAnswer")
    operation = schema["/datasets/{uri}"]["GET"]

    @given(case=operation.as_strategy())
    @BOUNDED
    def tried(case: Any) -> None:
        case.validate_response(case.call(headers={"Authorization": agency.token}), checks=CHECKS)

    with pytest.raises(BaseExceptionGroup):
        tried()


def schema_with(app: CKANTestApp, described: Any, names: dict[str, Any], answered_by: str | None = None) -> Any:
    """The description, in which the names of data sets are `names`, a schema; where it is empty, any name.

    `answered_by` is a wrong shape for the answer of a data set, to see that it is found.
    """
    document = json.loads(json.dumps(described))
    if answered_by:
        content = document["paths"]["/datasets/{uri}"]["get"]["responses"]["200"]["content"]
        content["application/json"]["schema"]["$ref"] = f"#/components/schemas/{answered_by}"
    for item in document["paths"].values():
        for one in item.get("parameters", []):
            if one["name"] == "uri":
                one["schema"] = names or one["schema"]
    document["servers"] = [{"url": BASE}]
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app.flask_app
    return schema

"""Rows of a private or a draft table are read by no way around (CVE-2026-42031, CVE-2026-42032)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.tests.helpers import CKANTestApp

from tests.security.actions import all_actions
from tests.security.requests import ask, told
from tests.security.world import OTHERS, World

OUTSIDERS = ("anonymous", "citizen", *OTHERS, "moderator")
PROBE = "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, rolname::text::tsquery FROM pg_roles')"
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"limit": 0},
    {"limit": 0, "include_total": True},
    {"fields": ["name"], "distinct": True},
    {"q": "Secret"},
    {"q": {"name": "Secret:*"}, "plain": False},
    {"filters": {"pupils": 640}},
    {"sort": "name"},
    {"records_format": "csv"},
    {"include_next_page": True},
)


def search(world: World, level: str, **given: Any) -> Any:
    body = json.dumps(given)
    return ask(world, level, "POST", "/api/3/action/datastore_search", data=body, content_type="application/json")


@pytest.mark.parametrize("kind", ["private", "draft"])
@pytest.mark.parametrize("level", OUTSIDERS)
def test_no_question_reads_rows_of_a_hidden_table(world: World, level: str, kind: str) -> None:
    dataset = world.datasets[kind]
    for question in QUESTIONS:
        answer = search(world, level, resource_id=dataset.resource_id, **question)
        assert answer.status_code == 403, question
        text = told(answer)
        assert dataset.secret not in text
        assert "total" not in text


@pytest.mark.parametrize("level", OUTSIDERS)
def test_no_other_name_of_a_hidden_table_reads_it(world: World, level: str) -> None:
    dataset = world.datasets["private"]
    names = [
        dataset.uri,
        dataset.id,
        f'{dataset.resource_id}"',
        f'public"."{dataset.resource_id}',
        dataset.resource_id.upper(),
    ]
    for name in [*names, "_table_metadata", "pg_catalog.pg_class", "information_schema.tables"]:
        answer = search(world, level, resource_id=name)
        assert answer.status_code in (403, 404, 409), name
        text = told(answer)
        assert dataset.secret not in text
        assert dataset.resource_id in name or dataset.resource_id not in text


def test_the_list_of_tables_is_for_operators(world: World) -> None:
    for level in OUTSIDERS:
        for answer in (
            search(world, level, resource_id="_table_metadata"),
            search(world, level, resource_id="_table_metadata", filters={"name": world.datasets["private"].resource_id}),
            search(world, level, resource_id="x", id="_table_metadata"),
            ask(world, level, "GET", "/api/3/action/datastore_search?resource_id=_table_metadata"),
            ask(world, level, "GET", "/datastore/dump/_table_metadata"),
            ask(world, level, "GET", "/api/3/action/datastore_info?id=_table_metadata"),
        ):
            assert answer.status_code in (403, 404)
            assert "SELECT" not in told(answer)
    assert search(world, "operator", resource_id="_table_metadata").status_code == 200


@pytest.mark.parametrize("kind", ["private", "draft"])
@pytest.mark.parametrize("level", OUTSIDERS)
def test_no_file_form_version_or_description_of_a_hidden_table_is_told(world: World, level: str, kind: str) -> None:
    dataset = world.datasets[kind]
    here, api = f"/data/{dataset.uri}", f"/api/universal/v1/datasets/{dataset.uri}"
    files = [f"{here}{form}.{ending}" for form in ("", "/v1") for ending in ("csv", "json", "ndjson", "xlsx", "parquet")]
    for path in [
        *files,
        f"{here}/certificate.json",
        f"{here}/certificate.pdf",
        api,
        f"{api}/versions",
        f"{api}/versions/1/diff",
        f"/datastore/dump/{dataset.resource_id}",
    ]:
        answer = ask(world, level, "GET", path)
        assert answer.status_code == 404, path
        assert dataset.secret not in told(answer)


def test_a_download_of_a_private_table_is_kept_by_no_shared_cache(world: World) -> None:
    answer = ask(world, "editor", "GET", f"/data/{world.datasets['private'].uri}.csv")
    assert answer.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize("level", ["anonymous", "citizen", "editor", "operator"])
def test_sql_of_callers_is_not_taken(world: World, level: str) -> None:
    for sql in (PROBE, f'SELECT * FROM "{world.datasets["private"].resource_id}"', "SELECT 1"):
        body = json.dumps({"sql": sql})
        answer = ask(world, level, "POST", "/api/3/action/datastore_search_sql", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert not any(secret in told(answer) for secret in world.secrets("private", "draft"))


def test_the_action_that_takes_sql_is_off(app: CKANTestApp) -> None:
    assert "datastore_search_sql" not in all_actions(app)


@pytest.mark.parametrize(
    "given",
    [
        {"filters": {"name\" = 'x' OR 1=1 --": "x"}},
        {"sort": 'name"; DROP TABLE "user"; --'},
        {"fields": ['name" FROM "_table_metadata" --']},
        {"q": {'name") OR (1=1': "x"}},
        {"language": "simple', 'a'); SELECT 1; --", "q": "a"},
        {"q": "a & ('b", "plain": False},
        {"limit": "1; SELECT 1"},
        {"offset": "0 UNION SELECT 1"},
    ],
)
def test_what_looks_like_sql_is_a_value_or_an_error(world: World, given: dict[str, Any]) -> None:
    answer = search(world, "anonymous", resource_id=world.datasets["public"].resource_id, **given)
    text = told(answer)
    assert answer.status_code in (200, 400, 409)
    assert "psycopg2" not in text
    assert "/site-packages/" not in text
    assert not any(secret in text for secret in world.secrets("private", "draft"))

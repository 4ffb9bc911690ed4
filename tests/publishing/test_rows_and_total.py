"""What `datastore_search` answers is of one version, also when a large table is changed while it is being put together."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.datastore.backend import postgres
from ckanext.kzopen.rows import deriving
from ckanext.kzopen.rows import model as versions

from tests.publishing.conftest import Api
from tests.publishing.test_large_tables import ROWS, body, resource_of, table

__all__ = ["table"]
NEW = ["90001", "90002", "90003"]


@pytest.fixture
def come_between(app: CKANTestApp, table: tuple[Api, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """After CKAN has asked for rows, and before it asks for the total, a row more is published, three times; their keys."""
    (api, uri), fields, published = table, postgres._result_fields, list[str]()

    def with_a_row_more(*given: Any) -> Any:
        if len(published) < len(NEW):
            published.append(code := NEW[len(published)])
            with ThreadPoolExecutor(1) as beside:
                made = beside.submit(api.delivery, uri, body({code: ("Жаңа", 7)}), "?mode=upsert")
                assert made.result()["state"] == "accepted"
        return fields(*given)

    with app.flask_app.test_request_context():
        version = versions.latest(model.Session(), uri)
        assert version is not None
        deriving.derive(model.Session(), version)  # from it totals by values are counted
    monkeypatch.setattr(postgres, "_result_fields", with_a_row_more)
    return published


@pytest.mark.parametrize(
    ("filters", "before"), [({}, ROWS), ({"amount": [7, 8]}, 2)], ids=["of the whole table", "of rows by values"]
)
def test_rows_and_total_are_asked_for_again_when_a_version_came_between(
    app: CKANTestApp, table: tuple[Api, str], come_between: list[str], filters: dict[str, Any], before: int
) -> None:
    found = asked(app, table[1], filters=json.dumps(filters))

    assert come_between == NEW
    assert ([row["code"] for row in found["records"]][:3], found["total"]) == (NEW[::-1], before + 3)


def test_rows_without_a_total_are_asked_for_once(app: CKANTestApp, table: tuple[Api, str], come_between: list[str]) -> None:
    found = asked(app, table[1], include_total="false")

    assert come_between == NEW[:1]
    assert found["records"][0]["_id"] == ROWS


def asked(app: CKANTestApp, uri: str, **more: str) -> dict[str, Any]:
    given = {"resource_id": resource_of(uri), "sort": "_id desc", "limit": 5} | more
    found: dict[str, Any] = app.get("/api/3/action/datastore_search", query_string=given).json["result"]
    return found

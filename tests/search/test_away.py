"""Without an index, searches say so in a sentence; everything else works, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ckan.model as model
import pytest
from ckan.common import config
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.kzopen.search.engines import engine_of
from sqlalchemy import text

from tests.conftest import free_port
from tests.search.test_drift import admin, make_dataset

ADDRESSES = (
    *("/", "/dataset/", "/organization/", "/group/", "/about", "/feeds/dataset.atom"),
    *("/dataset/{dataset}", "/organization/{organization}"),
)

pytestmark = pytest.mark.usefixtures("with_plugins")


@pytest.fixture
def dataset() -> dict[str, Any]:
    return make_dataset(factories.Organization())


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dataset: dict[str, Any]) -> None:
    """The index is nowhere to be found."""
    monkeypatch.setitem(config, "kzopen.search_path", str(tmp_path / "nothing"))


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_page_is_an_error_of_ours(app: Any, dataset: dict[str, Any], address: str) -> None:
    answer = app.get(address.format(dataset=dataset["name"], organization=dataset["organization"]["name"]))
    assert answer.status_code in (200, 503)
    assert "Traceback" not in answer.body


@pytest.mark.usefixtures("away")
def test_the_page_of_a_data_set_needs_no_index(app: Any, dataset: dict[str, Any]) -> None:
    assert app.get(f"/dataset/{dataset['name']}").status_code == 200


@pytest.mark.usefixtures("away")
def test_readyz_names_search_until_there_is_an_index(app: Any) -> None:
    """As during a first start, in which the indexer makes an empty one within a moment."""
    answer = app.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "missing": ["search"]})
    writer, _number = engine_of("", Path(str(config["kzopen.search_path"]))).built(iter(()))
    writer.close()
    assert app.get("/readyz").json == {"ready": True, "missing": []}


def test_readyz_names_search_when_elasticsearch_is_away(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config, "kzopen.search_url", f"elasticsearch://127.0.0.1:{free_port()}/kzopen")
    answer = app.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "missing": ["search"]})


@pytest.mark.usefixtures("away")
def test_the_api_says_that_search_is_away(app: Any) -> None:
    answer = app.get("/api/3/action/package_search")
    assert (answer.status_code, answer.json["success"]) == (409, False)


@pytest.mark.usefixtures("away")
def test_writes_succeed_and_are_remembered(dataset: dict[str, Any]) -> None:
    changed = call_action("package_patch", context={"user": admin()}, id=dataset["id"], version="while away")
    assert changed["version"] == "while away"
    assert call_action("package_show", id=dataset["id"])["version"] == "while away"
    document = text("SELECT stored->>'version' FROM kzopen.search_document WHERE entity_id = :id")
    assert model.Session.execute(document, {"id": dataset["id"]}).scalar() == "while away"

"""The commands that an operator types when in doubt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import ckan.model as model
import pytest
from ckan.cli.cli import ckan
from ckan.tests import factories
from ckanext.kzopen.search import cli as commands
from sqlalchemy import text

from tests.search.conftest import test_ini
from tests.search.test_drift import found, make_dataset

pytestmark = pytest.mark.usefixtures("with_plugins")


@pytest.fixture(autouse=True)
def _differences_settle_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody changes anything beside these tests."""
    monkeypatch.setattr(commands, "_SETTLING", 0.5)


@pytest.fixture
def dataset() -> dict[str, Any]:
    return make_dataset(factories.Organization())


def run(cli: Any, *words: str) -> Any:
    model.Session.rollback()
    return cli.invoke(ckan, list(words))


def test_check_finds_a_lost_document_and_repair_mends_it(cli: Any, dataset: dict[str, Any]) -> None:
    assert run(cli, "kzopen-search", "repair", "--recompute").exit_code == 0
    assert run(cli, "kzopen-search", "check").exit_code == 0
    model.Session.execute(text("DELETE FROM kzopen.search_document WHERE entity_id = :id"), {"id": dataset["id"]})
    model.Session.commit()
    checked = run(cli, "kzopen-search", "check")
    assert (checked.exit_code, dataset["id"] in checked.output) == (1, True)
    assert run(cli, "kzopen-search", "repair").exit_code == 0
    checked = run(cli, "kzopen-search", "check", "--recompute")
    assert (checked.exit_code, "The index is in step" in checked.output) == (0, True)


def test_rebuild_builds_the_index_anew(cli: Any, dataset: dict[str, Any]) -> None:
    done = run(cli, "kzopen-search", "rebuild")
    assert (done.exit_code, "The index is built" in done.output) == (0, True)
    assert found(f'name:"{dataset["name"]}"') == [dataset["name"]]


@pytest.mark.long
def test_rebuild_computes_documents_anew_in_processes_of_their_own(cli: Any, dataset: dict[str, Any]) -> None:
    model.Session.execute(text("UPDATE package SET version = 'silent' WHERE id = :id"), {"id": dataset["id"]})
    model.Session.commit()
    assert run(cli, "kzopen-search", "rebuild", "--recompute").exit_code == 0
    assert found(f'version:"silent" +name:"{dataset["name"]}"') == [dataset["name"]]


def test_lag_tells_numbers(cli: Any) -> None:
    told = run(cli, "kzopen-search", "lag")
    assert [line.split(":")[0] for line in told.output.splitlines()[-4:]] == ["rows", "oldest", "stale_rows", "stale_oldest"]


def test_a_package_that_does_not_exist_is_named(cli: Any) -> None:
    done = run(cli, "search-index", "rebuild", "no-such-data-set")
    assert (done.exit_code, "Couldn't find" in done.output) == (1, True)


WHOSE_CLASSES = """
import sys
from ckan.cli import load_config
from ckan.config.middleware import make_app
make_app(load_config(sys.argv[1]))
from ckan.lib import search
print("classes", *(one.__module__ for one in (search._QUERIES["package"], search._INDICES["package"], search.make_connection)))
"""


@pytest.mark.long
def test_an_address_of_solr_leaves_ckan_alone(tmp_path: Path) -> None:
    ini = tmp_path / "solr.ini"
    lines = Path(test_ini()).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("kzopen.search_url", "solr_url"))]
    place = kept.index("[app:main]") + 1
    kept[place:place] = ["kzopen.search_url = solr://127.0.0.1:1/solr/ckan", "solr_url = http://127.0.0.1:1/solr/ckan"]
    ini.write_text("\n".join(kept), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", WHOSE_CLASSES, str(ini)], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1:] == ["classes ckan.lib.search.query ckan.lib.search.index ckan.lib.search.common"], (
        done.stderr
    )

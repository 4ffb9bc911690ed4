"""The commands that an operator types when in doubt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import ckan.model as model
import pytest
from ckan.cli.cli import ckan
from ckan.common import config
from ckan.tests import factories
from ckanext.kzopen.search import cli as commands
from ckanext.kzopen.search import progress, rebuild, recompute
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


def lose(dataset: dict[str, Any]) -> None:
    """The data set's document is gone, as after somebody's SQL."""
    model.Session.execute(text("DELETE FROM kzopen.search_document WHERE entity_id = :id"), {"id": dataset["id"]})
    model.Session.commit()


def broken(_package_id: str) -> None:
    raise RuntimeError("a plugin is broken")


def run(cli: Any, *words: str) -> Any:
    """The command in the application that is loaded: to load another takes longer than most commands."""
    model.Session.rollback()
    return cli.invoke(commands.kzopen_search, list(words))


def test_check_finds_a_lost_document_and_repair_mends_it(cli: Any, dataset: dict[str, Any]) -> None:
    assert run(cli, "repair", "--recompute").exit_code == 0
    assert run(cli, "check").exit_code == 0
    lose(dataset)
    checked = run(cli, "check")
    assert (checked.exit_code, dataset["id"] in checked.output) == (1, True)
    mended = run(cli, "repair")
    assert (mended.exit_code, "Mended" in mended.output, "all is in step" in mended.output) == (0, True, True)
    checked = run(cli, "check", "--recompute")
    assert (checked.exit_code, "The index is in step" in checked.output) == (0, True)


def test_rebuild_builds_the_index_anew(cli: Any, dataset: dict[str, Any]) -> None:
    run(cli, "repair")
    done = run(cli, "rebuild")
    assert (done.exit_code, "The index is built" in done.output) == (0, True)
    count = model.Session.execute(text("SELECT count(*) FROM kzopen.search_document")).scalar()
    assert f"The indexer builds the index: {count} of {count} documents" in done.output
    assert found(f'name:"{dataset["name"]}"') == [dataset["name"]]


def test_what_repair_cannot_mend_is_told_with_the_reason(
    cli: Any, dataset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(dataset)
    with monkeypatch.context() as patch:
        patch.setattr(recompute, "document", broken)
        done = cli.invoke(commands.kzopen_search, ["repair"])
    assert done.exit_code == 1
    for told in ("a plugin is broken", "1 packages without a document", "search repair --recompute"):
        assert told in done.output
    assert cli.invoke(commands.kzopen_search, ["repair"]).exit_code == 0


@pytest.mark.long
def test_an_index_that_is_built_from_too_few_documents_is_told(cli: Any, dataset: dict[str, Any]) -> None:
    run(cli, "repair")
    lose(dataset)
    done = run(cli, "rebuild")
    assert (done.exit_code, dataset["id"] in done.output) == (1, True)
    assert run(cli, "repair").exit_code == 0


@pytest.mark.parametrize("command", ["rebuild", "repair", "check"])
def test_an_engine_that_is_away_is_named_at_once(cli: Any, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setitem(config, "kzopen.search_url", "elasticsearch://127.0.0.1:1/portal")
    started = time.monotonic()
    done = cli.invoke(commands.kzopen_search, [command])
    assert (done.exit_code, "Elasticsearch does not answer" in done.output, "Start it" in done.output) == (1, True, True)
    assert ("The indexer" in done.output, time.monotonic() - started < 10) == (False, True)


@pytest.mark.usefixtures("dataset")
def test_processes_that_die_and_what_they_leave_are_told(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "_LAST_ONES", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 3)
        patch.setattr(sys, "executable", "/bin/false")
        done = cli.invoke(commands.kzopen_search, ["rebuild", "--recompute"])
    recompute.drain()
    assert done.exit_code == 1
    assert "documents could not be computed anew: 3 of 3 processes ended with 1, 1, 1." in done.output


WHO_WRITES = """
    CREATE TABLE public.writers (pid integer);
    CREATE FUNCTION public.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(0.3);
        INSERT INTO public.writers VALUES (pg_backend_pid());
        RETURN NULL;
    END $$;
    CREATE TRIGGER noted AFTER INSERT OR UPDATE ON kzopen.search_document FOR EACH ROW EXECUTE FUNCTION public.noted();
"""
NOBODY_NOTES = "DROP FUNCTION public.noted CASCADE; DROP TABLE public.writers"


@pytest.mark.long
def test_rebuild_computes_documents_anew_in_processes_of_their_own(
    cli: Any, dataset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for _number in range(2 * recompute.TOGETHER):
        make_dataset(dataset["organization"])
    run(cli, "repair")
    model.Session.execute(text("UPDATE package SET version = 'silent' WHERE id = :id"), {"id": dataset["id"]})
    model.Session.execute(text(WHO_WRITES))
    model.Session.commit()
    try:
        done = run(cli, "rebuild", "--recompute")
        writers = model.Session.execute(text("SELECT count(DISTINCT pid) FROM public.writers")).scalar()
    finally:
        model.Session.execute(text(NOBODY_NOTES))
        model.Session.commit()
    assert (done.exit_code, writers) == (0, 2), done.output
    assert re.search(r"Computing documents anew: [\d,]+ of [\d,]+ documents, about \d+ (s|min) left", done.output)
    assert found(f'version:"silent" +name:"{dataset["name"]}"') == [dataset["name"]]


@pytest.mark.parametrize(
    ("done", "lately", "told"),
    [
        (0, 0, "0 of 10,000 documents"),
        (1_200, 1_000, "1,200 of 10,000 documents, about 88 s left"),
        (100, 10, "100 of 10,000 documents, about 2.8 h left"),
        (7_000, 100, "7,000 of 10,000 documents, about 5 min left"),
        (10_000, 9_000, "10,000 of 10,000 documents"),
    ],
)
def test_the_time_left_follows_from_how_fast_it_has_been(done: int, lately: int, told: str) -> None:
    assert progress.line("Work", done, 10_000, lately, 10.0) == f"Work: {told}"


def test_lag_tells_numbers(cli: Any) -> None:
    told = cli.invoke(ckan, ["kzopen-search", "lag"])
    assert [line.split(":")[0] for line in told.output.splitlines()[-4:]] == ["rows", "oldest", "stale_rows", "stale_oldest"]


def test_a_package_that_does_not_exist_is_named(cli: Any) -> None:
    done = cli.invoke(ckan, ["search-index", "rebuild", "no-such-data-set"])
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

"""CKAN's own tests that exercise search, run on ours: `./kzopen test ckan-search`.

`MODULES` are handed to pytest with `--pyargs`; this file is loaded as a pytest plugin (`-p tests.ckan_search.suite`). It
leaves out the tests in `CONFLICTS`, each with the reason why it contradicts the design, and lays two schema files where
CKAN's tests look for them, since the wheel lacks them. All other tests must pass: 587 of 590.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

MODULES = (
    "ckan.tests.lib.search",
    "ckan.tests.logic.action.test_get",
    "ckan.tests.controllers.test_package",
    "ckan.tests.cli.test_search_index",
    "ckan.tests.controllers.test_pagination",
    "ckan.tests.controllers.test_group",
    "ckan.tests.controllers.test_organization",
    "ckan.tests.controllers.test_api",
    "ckan.tests.logic.action.test_init",
)

TOTAL = 590
"""Tests in them."""

SHORT = ("ckan.tests.lib.search.test_query",)
"""37 tests: enough to see within a minute that an engine is asked as CKAN expects."""

CONFLICTS = {
    "controllers/test_package.py::TestPackageNew::test_new_indexerror": (
        "wants the write to fail while the engine is away; here writes succeed and are indexed when it returns"
    ),
    "controllers/test_package.py::TestSearch::test_search_solr_syntax_error": (
        "wants an error page for q=--included; here a broken query gets its best reading"
    ),
    "controllers/test_api.py::test_package_search_connection_errors": (
        "wants Solr's own words when its address does not answer; here no address is asked"
    ),
}

CONFLICTS_OF_SOLR = {
    "lib/search/test_index.py::TestSearchIndex::test_index_date_field": (
        "CKAN sends 2019-10-10T01:15:00+00:00, and a Solr whose configuration parses no dates takes only those that end in Z"
    ),
}
"""The same for a portal that searches through Solr: nothing of it is ours."""

SCHEMAS = {
    "schema-no-version.xml": '<schema name="no-version"></schema>\n',
    "schema-wrong-version.xml": '<schema name="ckan-1.0"></schema>\n',
}


def pytest_configure(config: pytest.Config) -> None:
    """CKAN names its marker in a file that the wheel lacks; its entry points call the package of its tests `tests`."""
    if not is_worker(config):
        lay_schema_files()
    sys.modules["tests.plugins"] = importlib.import_module("ckan.tests.plugins")
    config.addinivalue_line("markers", "ckan_config: settings of CKAN for one test")
    config.option.ckan_ini = _with_search_alone(Path(config.option.ckan_ini))


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one that hands them out."""
    return hasattr(config, "workerinput")


def lay_schema_files() -> None:
    """The two data files of CKAN's tests that its wheel lacks; they stay, for other runs may be reading them."""
    (package,) = importlib.import_module("ckan.tests.lib.search").__path__
    folder = Path(package) / "data"
    folder.mkdir(exist_ok=True)
    for name, text in SCHEMAS.items():
        (folder / name).write_text(text, encoding="utf-8")


def _with_search_alone(ini: Path) -> str:
    """The same portal with no plugin but `kzopen_search`: others change what CKAN's tests see, such as who sees accounts."""
    alone = ini.with_name("search-alone.ini")
    alone.write_text(f"[app:main]\nuse = config:{ini.name}\nckan.plugins = kzopen_search\n", encoding="utf-8")
    return str(alone)


def left_out_of(config: pytest.Config) -> dict[str, str]:
    """The tests that are left out on the engine of this run, with the reasons; on Solr nothing contradicts the design."""
    ini = Path(config.option.ckan_ini).with_name("ckan.ini").read_text(encoding="utf-8")
    return CONFLICTS_OF_SOLR if "kzopen.search_url = solr:" in ini else CONFLICTS


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the conflicts out; fail where all tests were asked for, and those that should be there are not."""
    if set(config.invocation_params.args) >= set(MODULES):
        _count(items, left_out_of(config))
    left_out = [item for item in items if item.nodeid.endswith(tuple(left_out_of(config)))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _count(items: list[pytest.Item], left_out: dict[str, str]) -> None:
    missing = [name for name in left_out if not any(item.nodeid.endswith(name) for item in items)]
    if missing or len(items) != TOTAL:
        raise pytest.UsageError(
            f"{len(items)} tests of CKAN instead of {TOTAL}; not among them: {', '.join(missing) or 'none'}"
        )


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name what is left out at the head of the report."""
    return [f"left out: {name} ({reason})" for name, reason in left_out_of(config).items()]


@pytest.fixture(autouse=True)
def same_texts_in_every_run(request: pytest.FixtureRequest) -> None:
    """CKAN's factories write texts by chance; now and then one held the word that a test looks for in a single data set."""
    from ckan.tests.factories import fake

    fake.seed_instance(request.node.nodeid.rpartition("/")[2])

"""`./kzopen test`: a PostgreSQL, a Valkey, an indexer and a worker of their own, then pytest.

Suites: `all` (default: everything in tests/ but the long suites), `ckan-search` (CKAN's own tests that exercise search),
`ckan-search-short` (a minute of them), `matrix` (who may do what: every route and action on every level in every language,
long), `commands` (every command on a running portal, long), `faults` (long). Anything else is passed to pytest as it is.
`--engine` runs the suite on another search engine.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime import processes, services
from ckanext.kzopen.runtime.configuration import socket_url, write_ini
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.supervisor import Supervisor
from psycopg import sql

ROOT = Path(__file__).resolve().parents[4]
TESTS = ROOT / "tests"
ENGINES = ("tantivy", "elasticsearch", "solr")
# What CKAN's own test-core.ini says, which is not in the wheel.
CKAN_TEST_OPTIONS = {
    "testing": "true",
    "debug": "false",
    "WTF_CSRF_ENABLED": "false",
    "ckan.site_url": "http://test.ckan.net",
    "ckan.site_id": "test.ckan.net",
    "ckan.site_title": "CKAN",
    "package_new_return_url": "http://localhost/dataset/<NAME>?test=new",
    "package_edit_return_url": "http://localhost/dataset/<NAME>?test=edit",
    "ckan.auth.user_create_organizations": "true",
    "ckan.auth.user_create_groups": "true",
    "ckan.auth.create_user_via_web": "true",
    "ckan.auth.create_user_via_api": "false",
    "ckan.auth.create_dataset_if_not_in_organization": "true",
    "ckan.auth.anon_create_dataset": "false",
    "ckan.auth.user_delete_groups": "true",
    "ckan.auth.user_delete_organizations": "true",
    "ckan.auth.create_unowned_dataset": "true",
    "ckan.auth.public_user_details": "true",
    "ckan.locale_default": "en",
    "ckan.locale_order": "en pt_BR ja it cs_CZ ca es fr el sv sr sr@latin no sk fi ru de pl nl bg ko_KR hu sa sl lv",
    "ckan.locales_offered": "",
    "ckan.views.default_views": "image_view datatables_view",
    "smtp.test_server": "localhost:6675",
    "smtp.mail_from": "info@test.ckan.net",
    "ckan.extra_resource_fields": "alt_url",
    "ckan.files.storage.default.type": "ckan:fs",
    "ckan.files.storage.default.initialize": "true",
    "kzopen.search_wait": "20",  # a busy machine must not fail a test that searches right after a write
}
# How often things die in the long form; the variables may be set to more.
LONG_FAULTS = {"KZOPEN_FAULT_MOMENTS": "100", "KZOPEN_FAULT_ROUNDS": "2"}


@dataclass(frozen=True)
class Suite:
    """What pytest is given, the plugins and options of its portal, which of our processes run beside it, and its variables."""

    name: str
    arguments: list[str]
    options: dict[str, str] = field(default_factory=dict)
    redis_database: int = 1
    worker: bool = True
    environment: dict[str, str] = field(default_factory=dict)


# Tests sign staff in by the form; those of the second factor ask for it themselves.
# Harvest sources of the tests are servers on this machine.
OPTIONS = {
    "testing": "true",
    "WTF_CSRF_ENABLED": "false",
    "kzopen.require_second_factor": "false",
    "kzopen.internal_networks": "127.0.0.0/8",
}


def suites() -> dict[str, Suite]:
    """The named suites."""
    long_ones = [f"--ignore={TESTS / name}" for name in ("ckan_search",)]
    return {
        "all": Suite(
            "test",
            [str(TESTS), *long_ones, "-m", "not long"],
            OPTIONS,
        ),
        "commands": Suite("test", [str(TESTS / "runtime")], OPTIONS),
        "matrix": Suite("test", [str(TESTS / "security"), "--timeout=1800"], OPTIONS),
        "faults": Suite(
            "test",
            [str(TESTS / "faults"), str(TESTS / "core/mail/test_killed.py")],
            {"testing": "true"},
            environment=LONG_FAULTS,
        ),
        "ckan-search": _of_ckan("MODULES"),
        "ckan-search-short": _of_ckan("SHORT"),
    }


def _of_ckan(modules: str) -> Suite:
    """CKAN's own tests of search, run with no plugin but ours."""
    return Suite(
        "ckan_search",
        ["-p", "tests.ckan_search.suite", *_search_modules(modules)],
        CKAN_TEST_OPTIONS | {"ckan.plugins": "kzopen_search kzopen", "ckan.i18n_directory": ""},
        redis_database=2,
        worker=False,
    )


def _search_modules(name: str) -> list[str]:
    """The modules of CKAN that `tests/ckan_search/suite.py` lists under a name; empty in an installation without tests."""
    if not (TESTS / "ckan_search" / "suite.py").exists():
        return []
    sys.path.insert(0, str(ROOT))
    suite = importlib.import_module("tests.ckan_search.suite")
    return ["--pyargs", *getattr(suite, name)]


def chosen(arguments: list[str]) -> Suite:
    """The suite that the command line names; other words are paths or options of pytest."""
    known = suites()
    if arguments and arguments[0] in known:
        suite = known[arguments[0]]
        return replace(suite, arguments=[*suite.arguments, *arguments[1:]])
    if any(not word.startswith("-") and Path(word.split("::")[0]).exists() for word in arguments):
        return Suite("test", arguments, known["all"].options)
    return Suite("test", [*known["all"].arguments, *arguments], known["all"].options)


def run_suite(arguments: list[str]) -> int:
    """Run the chosen suite; pytest's exit code."""
    engine, arguments = engine_asked(arguments)
    suite = chosen(arguments)
    data = Path(os.environ.get("KZOPEN_TEST_DATA", ROOT / ".test")) / suite.name
    with (
        search_engine(engine) as search_url,
        test_portal(Portal(Settings(data=data, demo=False, search_url=search_url)), suite) as ini,
    ):
        environment = suite.environment | os.environ | {"PYTHONPATH": str(ROOT), "KZOPEN_TEST_INI": str(ini)}
        command = [sys.executable, "-m", "pytest", f"--ckan-ini={ini}", f"--rootdir={ROOT}"]
        plugins = ["-p", "no:cacheprovider", "-p", "tests.quality.skips"]
        return subprocess.run([*command, *plugins, *suite.arguments], cwd=ROOT, env=environment).returncode


def engine_asked(arguments: list[str]) -> tuple[str, list[str]]:
    """The engine that `--engine NAME` asks for (tantivy when it does not), and the other arguments."""
    if "--engine" not in arguments:
        return ENGINES[0], arguments
    place = arguments.index("--engine")
    name = "".join(arguments[place + 1 : place + 2])
    if name not in ENGINES:
        sys.exit(f"--engine is one of {', '.join(ENGINES)}")
    return name, [*arguments[:place], *arguments[place + 2 :]]


@contextmanager
def search_engine(name: str) -> Iterator[str]:
    """The address of the search engine of a suite, which runs until the block ends; empty for the embedded one."""
    if name == ENGINES[0]:
        yield ""
        return
    sys.path.insert(0, str(ROOT))
    engines = importlib.import_module("tests.search_engines")
    lacks = engines.lacks(name)
    if lacks:
        sys.exit(lacks)
    if name == "solr":
        with engines.solr("ckan_test") as address:
            yield address.replace("http://", "solr://", 1)
    else:
        with engines.elasticsearch() as host:
            yield f"elasticsearch://{host}/kzopen-tests"


@contextmanager
def test_portal(portal: Portal, suite: Suite) -> Iterator[Path]:
    """Services, databases and processes for one suite; the path of its ini. All end with the block."""
    portal.make_folders()
    supervisor = Supervisor(portal)
    try:
        services.init_postgres(portal)
        for process in processes.embedded(portal):
            supervisor.start(process)
            supervisor.wait_for(process, 60)
        services.create_databases(portal)
        fresh_databases(portal, suite.name)
        ini = write_ini(portal, options_of(portal, suite))
        _prepare(portal)
        _start_helpers(portal, supervisor, suite)
        yield ini
    finally:
        supervisor.stop()


test_portal.__test__ = False  # type: ignore[attr-defined]


def options_of(portal: Portal, suite: Suite) -> dict[str, str]:
    """Addresses of the suite's own databases, over which its options go."""
    own = {
        "sqlalchemy.url": socket_url("kzopen", f"{suite.name}_ckan", portal.sockets),
        "ckan.datastore.write_url": socket_url("kzopen", f"{suite.name}_datastore", portal.sockets),
        "ckan.datastore.read_url": socket_url("kzopen_reader", f"{suite.name}_datastore", portal.sockets),
        "ckan.redis.url": f"unix://{portal.sockets}/valkey.sock?db={suite.redis_database}",
    }
    if "ckan.files.storage.default.type" in suite.options:
        own["ckan.files.storage.default.path"] = str(portal.data / "storage")
    return own | suite.options


def fresh_databases(portal: Portal, name: str) -> None:
    """Drop and make the suite's two databases."""
    with psycopg.connect(host=str(portal.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
        for database in (f"{name}_ckan", f"{name}_datastore"):
            identifier = sql.Identifier(database)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER kzopen TEMPLATE template0 ENCODING 'UTF8'").format(identifier)
            )


def _prepare(portal: Portal) -> None:
    command = [sys.executable, "-m", "ckanext.kzopen.runtime.prepare", str(portal.ini), str(portal.accounts)]
    portal.accounts.unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if done.returncode:
        sys.exit(f"{done.stderr}\npreparing the databases of the tests failed")


def _start_helpers(portal: Portal, supervisor: Supervisor, suite: Suite) -> None:
    ours = not portal.settings.search_url.startswith("solr:")
    if ours:
        supervisor.start(processes.indexer(portal))
    for process in processes.background(portal):
        if process.name == "worker" and suite.worker:
            supervisor.start(process)
    if ours:
        supervisor.wait_for(processes.indexer(portal), 60)

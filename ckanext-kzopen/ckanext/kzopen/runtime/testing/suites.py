"""What `./kzopen test` can run: the named suites, or paths and options of pytest."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
TESTS = ROOT / "tests"
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
LANES = 3
"""One more than processors: while one waits, as tests of pauses and deaths do, another computes."""
ELASTICSEARCH = "elasticsearch"
ELSEWHERE = ("ckan_search", "docs", "quality")
"""What a suite of its own runs, and what `./kzopen check` runs, in half a minute and without a portal."""
STORED = (
    "rows",
    "publishing/test_deliver.py",
    "publishing/test_differences.py",
    "publishing/test_interrupted.py",
    "publishing/test_large_tables.py",
    "publishing/test_references.py",
    "publishing/test_schema_changes.py",
    "publishing/test_staged.py",
    "publishing/test_uploads.py",
    "publishing/test_withdrawal.py",
)
"""What files in a bucket concern: versions, chains of changes, folding, thinning and withdrawal, and what comes before."""
HOSTILE = (
    "publishing/harvest/test_hostile_sources.py",
    "publishing/harvest/test_failing.py",
    "harvesters/test_files.py",
    "harvesters/test_dcat.py",
    "core/web/test_client.py",
)
"""Sources that stall, lie, lead inside or send bombs."""
LONG = ("core", "publishing", "search", "validation")
# How often things die in the long form; the variables may be set to more.
LONG_FAULTS = {
    "KZOPEN_FAULT_MOMENTS": "100",
    "KZOPEN_FAULT_ROUNDS": "100",
    "KZOPEN_FAULT_CHANGES": "10000",
    "KZOPEN_FAULT_SENDINGS": "200",
    "KZOPEN_FAULT_UPDATES": "100000",
    "KZOPEN_FAULT_HARVESTS": "100",
    "KZOPEN_FAULT_DEATHS": "100",
}


@dataclass(frozen=True)
class Suite:
    """What pytest is given, the plugins and options of its portal, which of our processes run beside it, and its variables.

    `lanes` is how many portals share the tests of the suite, `files` where they keep their files (`buckets.FILES`).
    """

    name: str
    arguments: list[str]
    options: dict[str, str] = field(default_factory=dict)
    redis_database: int = 1
    worker: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    lanes: int = 1
    files: str = ""


# Tests sign staff in by the form; those of the second factor ask for it themselves.
# Harvest sources of the tests are servers on this machine, which need no long rest.
OPTIONS = {
    "testing": "true",
    "WTF_CSRF_ENABLED": "false",
    "kzopen.require_second_factor": "false",
    "kzopen.internal_networks": "127.0.0.0/8",
    "kzopen.harvest_wait": "0.3",
}


def suites() -> dict[str, Suite]:
    """The named suites."""
    elsewhere = [f"--ignore={TESTS / name}" for name in ELSEWHERE]
    return {
        "all": Suite(
            "test",
            [str(TESTS), *elsewhere, "-m", "not long and not elasticsearch"],
            OPTIONS,
            lanes=LANES,
        ),
        "commands": Suite("test", [str(TESTS / "runtime")], OPTIONS),
        "agent": Suite("test", [str(TESTS / "api_clients")], OPTIONS),
        "pages": Suite("test", [str(TESTS / "browser")], OPTIONS, worker=False),
        "long": Suite(
            "test",
            [*(str(TESTS / name) for name in LONG), "-m", "long", "-k", "not differential"],
            OPTIONS,
        ),
        "s3": Suite("test", [str(TESTS / name) for name in STORED], OPTIONS, files="s3"),
        "matrix": Suite("test", [str(TESTS / "security"), "--timeout=1800"], OPTIONS),
        "engines": Suite(
            "test",
            [*map(str, sorted((TESTS / "search").glob("test_differential*.py"))), str(TESTS / "search/test_demands.py")],
            OPTIONS,
            environment={"KZOPEN_DEMANDS_EXAMPLES": "400"},
        ),
        "faults": Suite(
            "test",
            [
                str(TESTS / name)
                for name in ("faults", *HOSTILE, "core/mail/test_killed.py", "publishing/test_many_at_once.py")
            ],
            OPTIONS,
            environment=LONG_FAULTS,
        ),
        ELASTICSEARCH: Suite("test", [str(TESTS / "search"), "-m", "elasticsearch and not long"], OPTIONS, worker=False),
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
        lanes=2,
    )


def _search_modules(name: str) -> list[str]:
    """The modules of CKAN that `tests/ckan_search/suite.py` lists under a name; empty in an installation without tests."""
    if not (TESTS / "ckan_search" / "suite.py").exists():
        return []
    sys.path.insert(0, str(ROOT))
    suite = importlib.import_module("tests.ckan_search.suite")
    return ["--pyargs", *getattr(suite, name)]


def asked(arguments: list[str], option: str) -> tuple[str, list[str]]:
    """The word that follows an option of ours (empty when it is not there), and the other arguments."""
    if option not in arguments:
        return "", arguments
    place = arguments.index(option)
    return "".join(arguments[place + 1 : place + 2]), [*arguments[:place], *arguments[place + 2 :]]


def chosen(arguments: list[str], lanes: int | None = None) -> Suite:
    """The suite that the command line names; other words are paths or options of pytest, and a path is tried in one lane."""
    known = suites()
    if arguments and arguments[0] in known:
        suite = known[arguments[0]]
        suite = replace(suite, arguments=[*suite.arguments, *arguments[1:]])
    elif any(not word.startswith("-") and Path(word.split("::")[0]).exists() for word in arguments):
        suite = Suite("test", arguments, known["all"].options)
    else:
        suite = replace(known["all"], arguments=[*known["all"].arguments, *arguments])
    return suite if lanes is None else replace(suite, lanes=lanes)

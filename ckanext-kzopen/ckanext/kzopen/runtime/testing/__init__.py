"""`./kzopen test`: a PostgreSQL, a Valkey, an indexer and a worker of their own, then pytest.

Suites: `all` (default: all in tests/ but the long suites and what needs an Elasticsearch), `elasticsearch` (our tests of
that engine, and a minute of CKAN's on it), `ckan-search` (CKAN's own tests that exercise search), `ckan-search-short` (that
minute of them). Long are `matrix` (who may do what: every route and action on every level in every language), `pages` (every
page and every story in a browser, in every language), `engines` (random questions on all engines), `commands` (every command
on a running portal), `agent` (the agent and the clients), `long` (what of core, publish path and search is much like what CI
tries), `s3` (storage and publish path with the files in a bucket), `faults`, and `guards` (fault tests are seen to fail when
what they guard is taken out; names after it choose some of `tests/faults/guards.yaml`).
Anything else is passed to pytest as it is.
`--engine` runs the suite on another search engine, `--files s3` with files in a bucket of a server of its own. The long way is
shared by three lanes, each with services and a pytest of its own; `--lanes 1` goes in single file, `--lanes 2` shares a path
too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.testing.buckets import FILES, NewBucket, file_store
from ckanext.kzopen.runtime.testing.engines import ENGINES, coming_elasticsearch, lacking, search_engine
from ckanext.kzopen.runtime.testing.guards import run_guards, wanted
from ckanext.kzopen.runtime.testing.portals import options_of, test_portal, test_portals
from ckanext.kzopen.runtime.testing.suites import ELASTICSEARCH, ROOT, Suite, asked, chosen, suites

__all__ = ["Suite", "options_of", "run_suite", "suites", "test_portal"]


def run_suite(arguments: list[str]) -> int:
    """Run the chosen suite; pytest's exit code."""
    if arguments[:1] == ["guards"]:
        return _run_guards(arguments[1:])
    if arguments[:1] == [ELASTICSEARCH]:
        return _run_on_elasticsearch(arguments[1:])
    engine, arguments = asked(arguments, "--engine")
    if engine not in ("", *ENGINES):
        sys.exit(f"--engine is one of {', '.join(ENGINES)}")
    lanes, arguments = asked(arguments, "--lanes")
    if lanes and not lanes.isdigit():
        sys.exit("--lanes is a number")
    files, arguments = asked(arguments, "--files")
    if files not in ("", *FILES):
        sys.exit(f"--files is one of {', '.join(FILES)}")
    suite = chosen(arguments, int(lanes) if lanes else None)
    with search_engine(engine or ENGINES[0]) as address, file_store(files or suite.files) as bucket:
        portals = portals_of(suite, address, bucket)
        with ExitStack() as stack:
            with _compiled(suite):
                inis = stack.enter_context(test_portals(portals, suite))
            return run_pytest(suite, inis)


def _run_on_elasticsearch(more: list[str]) -> int:
    """Our tests, then CKAN's short ones, on one node, which starts while the portals of both are prepared.

    The first exit code of a failure.
    """
    if lacks := lacking(ELASTICSEARCH):
        sys.exit(lacks)
    ours, short = (suites()[name] for name in (ELASTICSEARCH, "ckan-search-short"))
    with coming_elasticsearch() as (address, answers), ExitStack() as stack:
        prepared = [
            (suite, stack.enter_context(test_portals(portals_of(suite, engine), suite)))
            for suite, engine in ((ours, ""), (short, address))
        ]
        answers.result()
        return _first_wrong([run_pytest(_at(suite, address, more), inis) for suite, inis in prepared])


def _at(suite: Suite, address: str, more: list[str]) -> Suite:
    """The suite with more arguments, on the node of that address."""
    node = {"KZOPEN_TEST_ELASTICSEARCH": urlsplit(address).netloc}
    return replace(suite, arguments=[*suite.arguments, *more], environment=suite.environment | node)


def _run_guards(names: list[str]) -> int:
    """Those that want the portal's worker beside their tests, then those that must not; the first exit code of a failure."""
    found, codes = wanted(names), [0]
    for worker in (True, False):
        some = [guard for guard in found if (guard.worker == "portal") is worker]
        if some:
            suite = Suite("test", [], suites()["all"].options, worker=worker)
            with test_portals(portals_of(suite, ""), suite) as inis:
                codes.append(run_guards(some, inis[0]))
    return _first_wrong(codes)


def _first_wrong(codes: list[int]) -> int:
    """The first code that is none of success; that of a killed process is below zero."""
    return next((code for code in codes if code), 0)


def portals_of(suite: Suite, search_url: str, bucket: NewBucket | None = None) -> list[Portal]:
    """A portal for each lane, each with a data directory, and a bucket, of its own; an engine that is not embedded serves one
    lane."""
    folder = Path(os.environ.get("KZOPEN_TEST_DATA", ROOT / ".test"))
    count = 1 if search_url else max(1, suite.lanes)
    names = [suite.name, *(f"{suite.name}-{number}" for number in range(2, count + 1))]
    return [
        Portal(Settings(data=folder / name, demo=False, search_url=search_url, files_url=bucket() if bucket else ""))
        for name in names
    ]


@contextmanager
def _compiled(suite: Suite) -> Iterator[None]:
    """Have the tests compiled on the processor that idles while portals are prepared: else each lane does it for itself.

    Whether it comes to its end matters to nobody, so what it says is not read.
    """
    if suite.lanes == 1:
        yield
        return
    words = ["-m", "pytest", "--collect-only", "-p", "no:ckan", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
    command = [sys.executable, *words, *(word for word in suite.arguments if Path(word.partition("::")[0]).exists())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def run_pytest(suite: Suite, inis: list[Path]) -> int:
    """pytest with the portal of that ini; of several each takes its share of the files, as `tests/quality/lanes.py` tells."""
    environment = suite.environment | os.environ | {"PYTHONPATH": str(ROOT), "KZOPEN_TEST_INI": str(inis[0])}
    command = [sys.executable, "-m", "pytest", f"--ckan-ini={inis[0]}", f"--rootdir={ROOT}"]
    plugins = ["-p", "no:cacheprovider", "-p", "tests.quality.skips"]
    if len(inis) > 1:
        plugins += ["-p", "tests.quality.lanes", "--dist=loadscope", "--no-loadscope-reorder", "--max-worker-restart=0"]
        for ini in inis:
            plugins += ["--tx", f"popen//env:KZOPEN_TEST_INI={ini}"]
    return subprocess.run([*command, *plugins, *suite.arguments], cwd=ROOT, env=environment).returncode

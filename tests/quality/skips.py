"""A pytest plugin: the run ends with the list of skipped tests and why, and a plain line that sums up; under CI only a missing
`../shared` excuses a skip.

`./kzopen test` loads it with `-p tests.quality.skips`. With `CI=true` any other skip makes the run fail.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

EXCUSE = "../shared is absent"
_skipped: Counter[tuple[str, str]] = Counter()


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The sentence given to pytest.skip or to the mark."""
    place = report.longrepr
    said = str(place[2]) if isinstance(place, tuple) else str(place)
    return said.removeprefix("Skipped: ")


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as skipped too; it is listed by pytest itself.
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped[report.nodeid, reason_of(report)] += 1


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def unexcused() -> list[tuple[str, str]]:
    """Skips whose reason is not the missing corpus or tools."""
    return [(test, reason) for test, reason in _skipped if not reason.startswith(EXCUSE)]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if unexcused() and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section(f"skipped: {len(_skipped)}")
    for test, reason in _skipped:
        terminalreporter.write_line(f"{test}: {reason}")
    if unexcused() and os.environ.get("CI") == "true":
        terminalreporter.write_line(f"{len(unexcused())} of them without the excuse “{EXCUSE}”: the run fails", red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line; an error beside a test (in a fixture, while collecting) counts as a failure."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        counts = {name: len(reporter.stats.get(name, [])) for name in ("passed", "failed", "error")}
        failed = counts["failed"] + counts["error"]
        print(f"{counts['passed']} passed, {failed} failed, {len(_skipped)} skipped", flush=True)

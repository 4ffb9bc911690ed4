"""`./kzopen check`: everything that can be said of the checkout without running the portal.

Each check is a command of its own; two run at a time. One line a check with its time; what failed is told at the end.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
BIN = Path(sys.executable).parent
AT_ONCE = 2
Say = Callable[[str], None]

TYPED = ("ckanext.kzopen", "harvesters", "portal_theme", "bench", "kzopen_client")
MODULE = (sys.executable, "-m")
# CKAN's pytest plugins open a portal's databases; the tests named here need none.
PYTEST = (*MODULE, "pytest", "-q", "-p", "no:ckan", "-p", "no:ckan_fixtures", "-p", "tests.quality.skips")


@dataclass(frozen=True)
class Check:
    """One line of `./kzopen check`: its name, what holds when the command ends with 0, and the command."""

    name: str
    holds: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """A check, what its command said when it failed (empty when it holds), and how long it took in seconds."""

    check: Check
    findings: str
    seconds: float


CHECKS = (
    Check("rules", "launcher, settings and scan behave as their tests say", (*PYTEST, "tests/quality")),
    Check("guides", "the guides tell what the code does", (*PYTEST, "tests/docs")),
    Check("types", "mypy", (f"{BIN}/mypy", *(word for name in TYPED for word in ("-p", name)))),
    Check("words", "every string of the interface is translated", (*MODULE, "portal_theme.messages", "check")),
    Check("pages", "generated pages are up to date", (*MODULE, "ckanext.kzopen.runtime.documenting")),
    Check("tables", "YAML of law, words and schemas is whole", (*MODULE, "ckanext.kzopen.runtime.tables")),
    Check("scan", "no large file, machine path, secret or personal data", (*MODULE, "ckanext.kzopen.runtime.scanning")),
    Check("layers", "imports point downward", (f"{BIN}/lint-imports", "--no-cache")),
    Check("libraries", "pip check", (*MODULE, "pip", "check")),
    Check("style", "ruff check", (f"{BIN}/ruff", "check", "--quiet", ".")),
    Check("format", "ruff format", (f"{BIN}/ruff", "format", "--check", "--quiet", ".")),
)


def run_one(check: Check) -> Outcome:
    """Run one check."""
    started = time.monotonic()
    done = subprocess.run(
        check.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    said = done.stdout.decode(errors="replace").strip() or f"ended with {done.returncode}"
    return Outcome(check, said if done.returncode else "", time.monotonic() - started)


def line(outcome: Outcome) -> str:
    """What is told of a check: whether it holds, its time, its name and what it is about."""
    verdict = "fails" if outcome.findings else "holds"
    return f"{verdict}  {outcome.seconds:5.1f} s  {outcome.check.name:<9}  {outcome.check.holds}"


def run(chosen: Iterable[Check], say: Say) -> list[Outcome]:
    """Run checks and tell a line of each; those that failed."""
    failed = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in as_completed([pool.submit(run_one, check) for check in chosen]):
            outcome = done.result()
            say(line(outcome))
            if outcome.findings:
                failed.append(outcome)
    return failed


def mend(say: Say) -> None:
    """Do what a machine can: order of imports, format, the catalogues' lists of strings, generated pages."""
    for command in (
        (f"{BIN}/ruff", "check", "--fix-only", "--quiet", "."),
        (f"{BIN}/ruff", "format", "--quiet", "."),
        (*MODULE, "portal_theme.messages", "extract"),
        (*MODULE, "ckanext.kzopen.runtime.documenting", "write"),
    ):
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        if done.stdout.strip():
            say(done.stdout.strip())


def run_and_tell(names: tuple[str, ...], mending: bool, say: Say) -> int:
    """The command: mend when asked, run, tell what failed; 0 when all holds, 1 when not, 2 for an unknown name."""
    known = [check.name for check in CHECKS]
    if unknown := sorted(set(names) - set(known)):
        say(f"there is no check {', '.join(unknown)}; the checks are {', '.join(known)}")
        return 2
    if mending:
        mend(say)
    started = time.monotonic()
    failed = run([check for check in CHECKS if not names or check.name in names], say)
    for outcome in failed:
        say(f"\n--- {outcome.check.name}: {outcome.check.holds}\n{outcome.findings}")
    verdict = f"failed: {', '.join(outcome.check.name for outcome in failed)}" if failed else "all checks hold"
    say(f"\n{verdict} ({time.monotonic() - started:.0f} s)")
    return 1 if failed else 0

"""`./kzopen test guards`: each fault test is seen to fail when its guard is taken out of the product.

`tests/faults/guards.yaml` names the guards. For each, the checkout is copied, the guard's text is replaced in the copy, and
its tests run there, with this checkout's libraries. All share the services of one portal, whose worker and indexer keep their
guards; where the worker has the guard, one of the copy takes its place, and a whole portal that a test starts is of the copy.
The checkout itself is never changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import yaml
from ckanext.kzopen.runtime.testing.suites import ROOT, TESTS

FILE = TESTS / "faults" / "guards.yaml"
COPIED = (
    "ckanext-kzopen",
    "api_clients",
    "harvesters",
    "schemas",
    "portal_theme",
    "tests",
    "pyproject.toml",
    "requirements.txt",
)
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
# Python imports it at its start, before any package of the portal.
FIRST = """\
import ckanext
import kzopen_harvesters

ckanext.__path__ = ["{folder}/ckanext-kzopen/ckanext", *ckanext.__path__]
kzopen_harvesters.__path__ = ["{folder}/harvesters"]
"""


@dataclass(frozen=True)
class Guard:
    """What keeps a promise: `text` of `file`, which stands there once, and what stands there when it is taken out.

    `tests` are those, of which each must then fail. `worker` is who works beside them: the portal's own (`portal`), which
    keeps the guard, one of the copy (`copy`), which has it no more, or nobody (`none`).
    """

    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]
    worker: str = "portal"

    def times(self) -> int:
        """How often its text is found in the checkout."""
        return (ROOT / self.file).read_text(encoding="utf-8").count(self.text)


def guards() -> list[Guard]:
    """The guards of `guards.yaml`."""
    told = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [Guard(**{**one, "tests": tuple(one["tests"])}) for one in told]


def wanted(names: list[str]) -> list[Guard]:
    """The guards of these names; all, where none is named."""
    known = {guard.name: guard for guard in guards()}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"unknown: {', '.join(unknown)}; guards are {', '.join(known)}")
    return [known[name] for name in names or known]


def run_guards(found: list[Guard], ini: Path) -> int:
    """Take out these guards, one after the other, with the portal of that ini; 0 when every test was seen to fail."""
    missed = 0
    for guard in found:
        passed = survivors(guard, ini)
        missed += bool(passed)
        verdict = f"did NOT fail: {', '.join(passed)}" if passed else "seen to fail"
        sys.stdout.write(f"{guard.name}: {verdict}\n")
        sys.stdout.flush()
    return 1 if missed else 0


def survivors(guard: Guard, ini: Path) -> list[str]:
    """The tests that do not fail without the guard. What is broken before a test begins is no failure of it."""
    if guard.times() != 1:
        sys.exit(f"{guard.name}: its text stands {guard.times()} times in {guard.file}")
    with TemporaryDirectory(prefix="kzopen-guard-") as name:
        folder = Path(name)
        make_copy(folder, guard)
        report = folder / "report.xml"
        environment = os.environ | {"PYTHONPATH": name, "KZOPEN_TEST_INI": str(ini)}
        command = [sys.executable, "-m", "pytest", f"--ckan-ini={ini}", f"--rootdir={folder}", f"--junitxml={report}"]
        with _worker_of(folder, guard, ini, environment):
            done = subprocess.run([*command, *guard.tests], cwd=folder, env=environment, capture_output=True, text=True)
        if not report.exists():
            sys.exit(f"{done.stdout[-3000:]}{done.stderr[-3000:]}\n{guard.name}: its tests did not run")
        failed = failures(report)
    return [test for test in guard.tests if test.rpartition("::")[2].split("[")[0] not in failed]


@contextmanager
def _worker_of(folder: Path, guard: Guard, ini: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Until the end of the block a worker of the copy, where the guard wants one."""
    if guard.worker != "copy":
        yield
        return
    command = [sys.executable, "-m", "ckanext.kzopen.core.jobs.worker", str(ini)]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def make_copy(folder: Path, guard: Guard) -> None:
    """The product and its tests without the guard, and what lets Python take them before those of the checkout."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy2(source, folder / name)
    changed = folder / guard.file
    changed.write_text(changed.read_text(encoding="utf-8").replace(guard.text, guard.without), encoding="utf-8")
    launcher = folder / "kzopen"  # nothing is installed for a copy
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -m ckanext.kzopen.runtime "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    (folder / "sitecustomize.py").write_text(FIRST.format(folder=folder), encoding="utf-8")


def failures(report: Path) -> set[str]:
    """The names of the tests that failed, by pytest's report in XML."""
    cases: Iterable[ElementTree.Element] = ElementTree.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it
    return {case.get("name", "").split("[")[0] for case in cases if case.find("failure") is not None}

"""The list of guards does not rot: each text is found once, each test is there. That they fail: `./kzopen test guards`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from ckanext.kzopen.runtime.testing.guards import ROOT, Guard, failures, guards, make_copy


@pytest.mark.parametrize("guard", guards(), ids=lambda guard: guard.name)
def test_the_text_of_a_guard_stands_once_in_its_file_and_its_tests_are_there(guard: Guard) -> None:
    assert guard.times() == 1
    assert guard.text != guard.without
    assert guard.tests
    for test in guard.tests:
        path, name = test.split("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_no_two_guards_have_one_name() -> None:
    assert [name for name, times in Counter(guard.name for guard in guards()).items() if times > 1] == []


def test_a_guard_is_taken_out_of_the_copy_only(tmp_path: Path) -> None:
    guard = guards()[0]
    make_copy(tmp_path, guard)
    changed = (tmp_path / guard.file).read_text(encoding="utf-8")
    assert (guard.text in changed, guard.without in changed) == (False, True)
    assert guard.times() == 1


def test_what_runs_in_a_copy_is_the_copy_s(tmp_path: Path) -> None:
    make_copy(tmp_path, guards()[0])
    told = "import kzopen_harvesters.sql as a, ckanext.kzopen.core.web as b; print(a.__file__, b.__file__)"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", told], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert [Path(path).is_relative_to(tmp_path) for path in done.stdout.split()] == [True, True], done.stdout + done.stderr


def test_what_breaks_before_a_test_is_no_failure_of_it(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase name="test_a[1]"><failure/></testcase><testcase name="test_a[2]"/>'
        '<testcase name="test_b"><error/></testcase><testcase name="test_c"/></testsuite></testsuites>'
    )
    assert failures(report) == {"test_a"}

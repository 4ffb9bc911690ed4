"""Two lanes share a run: every test runs once, files stay whole, and the end is one list, one line and one exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ckanext.kzopen.runtime.testing.suites import LANES, TESTS, chosen

from tests.quality import lanes

ROOT = Path(__file__).resolve().parents[2]
# The words in brackets differ by lane, as those of a compressed file with its time do.
NOTE = """
import os
import pytest

@pytest.mark.parametrize("number", range({tests}), ids=lambda _: os.urandom(4).hex())
def test_one(number):
    with open(os.environ["NOTED"], "a") as file:
        print(os.environ["KZOPEN_TEST_INI"], "{name}", number, file=file)
    {ending}
"""


def run(
    folder: Path, files: dict[str, tuple[int, str]], *, under_ci: bool = False
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """Two lanes over files of so many tests, each with its last statement; what each test noted: ini, file, number."""
    for name, (tests, ending) in files.items():
        (folder / f"test_{name}.py").write_text(NOTE.format(name=name, tests=tests, ending=ending))
    noted = folder / "noted"
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NOTED": str(noted)}
    environment |= {"CI": "true"} if under_ci else {}
    plugins = [
        word for name in ("no:cacheprovider", "xdist", "tests.quality.skips", "tests.quality.lanes") for word in ("-p", name)
    ]
    spread = [
        "--dist=loadscope",
        "--no-loadscope-reorder",
        *(f"--tx=popen//env:KZOPEN_TEST_INI={ini}" for ini in ("one", "two")),
    ]
    command = [sys.executable, "-m", "pytest", *plugins, *spread, f"--rootdir={folder}", str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done, [line.split() for line in noted.read_text().splitlines()]


FILES = {"a": (3, ""), "b": (5, ""), "c": (1, "assert False"), "d": (2, 'pytest.skip("no reason")')}


def test_each_test_runs_once_in_one_of_two_lanes_and_files_stay_whole(tmp_path: Path) -> None:
    done, noted = run(tmp_path, FILES)
    assert sorted((name, int(number)) for _ini, name, number in noted) == [
        (name, number) for name, (tests, _ending) in FILES.items() for number in range(tests)
    ], done.stdout
    assert {ini for ini, _name, _number in noted} == {"one", "two"}
    for name in FILES:
        assert len({ini for ini, found, _number in noted if found == name}) == 1


def test_the_end_is_one_list_of_skips_one_line_and_one_exit_code(tmp_path: Path) -> None:
    done, _noted = run(tmp_path, FILES)
    assert done.returncode == 1
    assert done.stdout.count(": no reason") == 2
    assert done.stdout.splitlines()[-1] == "8 passed, 1 failed, 2 skipped"


def test_a_skip_without_excuse_in_one_of_the_lanes_fails_the_gate(tmp_path: Path) -> None:
    done, _noted = run(tmp_path, {"a": (1, ""), "b": (1, 'pytest.skip("too slow")')}, under_ci=True)
    assert done.returncode == 1, done.stdout
    assert "1 of them without the excuse “../shared is absent”: the run fails" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"


def test_an_excused_skip_in_one_of_the_lanes_does_not(tmp_path: Path) -> None:
    done, _noted = run(tmp_path, {"a": (1, ""), "b": (1, 'pytest.skip("../shared is absent")')}, under_ci=True)
    assert done.returncode == 0, done.stdout


def test_files_that_share_a_running_portal_are_one_unit() -> None:
    units = {lanes.unit_of(f"{path}::test_x") for path in ("tests/runtime/test_commands.py", "tests/browser/test_story.py")}
    assert units == {"a running portal"}
    assert lanes.unit_of("tests/rows/test_diff.py::test_x") == "tests/rows/test_diff.py"


def test_the_table_of_slow_files_names_files_that_exist() -> None:
    named = [*lanes.seconds_of_files(), *lanes.table()["early"]]
    assert [path for path in named if not (ROOT / path).is_file()] == []
    assert all(lanes.goes_early(lanes.unit_of(f"{path}::test_x")) for path in lanes.table()["early"])


def test_a_unit_is_expected_to_take_as_long_as_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "seconds_of_files", lambda: {"tests/browser/test_story.py": 30.0})
    assert lanes.expected_seconds(
        ["tests/browser/test_story.py::a", "tests/browser/test_desk.py::b", "tests/rows/test_diff.py::c"]
    ) == {
        "a running portal": 30.15,
        "tests/rows/test_diff.py": 0.15,
    }


def test_a_path_goes_in_single_file_and_the_whole_in_all_lanes() -> None:
    assert (chosen([]).lanes, chosen(["all"]).lanes, chosen([str(TESTS / "rows")]).lanes) == (LANES, LANES, 1)
    assert chosen([], lanes=1).lanes == 1

"""A run ends with its skips and why; under CI only the absence of ../shared excuses one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXCUSED = 'import pytest\ndef test_corpus():\n    pytest.skip("../shared is absent: the corpus is not here")\n'
LAZY = 'import pytest\n@pytest.mark.skip(reason="too slow")\ndef test_slow():\n    pass\n'
WHOLE_FILE = 'import pytest\npytest.skip("no browser", allow_module_level=True)\n'
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_known():\n    assert False\n"
GOOD = "def test_good():\n    assert 1 + 1 == 2\n"


def run(folder: Path, content: str, *, under_ci: bool) -> subprocess.CompletedProcess[str]:
    """pytest with the plugin, on one file."""
    (folder / "test_sample.py").write_text(content)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    environment |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": "true"} if under_ci else {})
    plugins = ["-p", "no:cacheprovider", "-p", "tests.quality.skips"]
    command = [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(("content", "reason"), [(LAZY, "too slow"), (WHOLE_FILE, "no browser")])
def test_a_skip_without_excuse_fails_the_gate(tmp_path: Path, content: str, reason: str) -> None:
    done = run(tmp_path, GOOD + content, under_ci=True)
    assert done.returncode != 0
    assert reason in done.stdout
    assert "1 of them without the excuse “../shared is absent”: the run fails" in done.stdout


def test_the_same_skip_is_only_listed_elsewhere(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD + LAZY, under_ci=False)
    assert done.returncode == 0
    assert "test_sample.py::test_slow: too slow" in done.stdout


def test_a_missing_corpus_excuses_a_skip(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD + EXCUSED, under_ci=True)
    assert done.returncode == 0
    assert "test_sample.py::test_corpus: ../shared is absent: the corpus is not here" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD + EXPECTED_FAILURE, under_ci=True)
    assert done.returncode == 0
    assert "skipped: 0" in done.stdout


def test_a_failure_stays_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_bad():\n    assert 1 + 1 == 3\n", under_ci=True).returncode == 1

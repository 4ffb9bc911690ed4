"""The launcher's first step: what it cannot bring itself is named in one sentence, and nothing is done twice."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, at work on an empty checkout."""
    loader = importlib.machinery.SourceFileLoader("kzopen_first_step", str(ROOT / "kzopen"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    for name in ("requirements.txt", "overrides.txt", "setup.py", "pyproject.toml", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"# {name}\n")
    for name, value in {"ROOT": tmp_path, "VENV": tmp_path / ".venv"}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv/kzopen.stamp")
    return module


def nothing_may_run(*arguments: object) -> None:
    raise AssertionError(f"ran {arguments}")


def test_a_python_that_is_too_old_or_too_new_is_named(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_step.sys, "version_info", (3, 13, 1))
    monkeypatch.setattr(first_step.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"Python 3\.11 or 3\.12 is needed and this is 3\.13\..*sudo apt install python3"):
        first_step.supported_python()


def test_another_python_of_the_machine_is_taken(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_step.sys, "version_info", (3, 13, 1))
    monkeypatch.setattr(first_step.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None)
    assert first_step.supported_python() == "/usr/bin/python3.12"


def test_an_old_python_is_told_before_anything_is_tried(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_step.sys, "version_info", (3, 6, 9))
    monkeypatch.setattr(first_step, "install", nothing_may_run)
    with pytest.raises(SystemExit, match=r"Python 3\.11 or 3\.12 is needed\."):
        first_step.main()


def test_a_full_disk_is_named_with_what_is_needed(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_step.shutil, "disk_usage", lambda path: Usage(10**10, 10**10, 300 * 2**20))
    monkeypatch.setattr(first_step, "run", nothing_may_run)
    with pytest.raises(SystemExit, match=r"300 MB are free in .* and about 2500 are needed; free some room"):
        first_step.install(with_tests=False)


def test_a_directory_of_somebody_else_is_named(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(with_tests: bool) -> None:
        raise PermissionError(13, "Permission denied", "/srv/kzopen/.venv")

    monkeypatch.setattr(first_step, "install", refuse)
    with pytest.raises(SystemExit, match=r"no right to write /srv/kzopen/\.venv; .*sudo chown"):
        first_step.main()


def test_a_step_that_fails_shows_its_words_and_what_helps(first_step: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="kzopen: try the network"):
        first_step.run([sys.executable, "-c", "import sys; print('no route'); sys.exit(1)"], "try the network")
    assert "no route" in capsys.readouterr().err


def test_a_disk_that_fills_up_meanwhile_is_named(first_step: ModuleType) -> None:
    full = "import sys; print('error: No space left on device (os error 28)'); sys.exit(2)"
    with pytest.raises(SystemExit, match=r"kzopen: The disk of .* is full; free some room and run the command again"):
        first_step.run([sys.executable, "-c", full], "check the network")


def test_the_same_lock_is_not_installed_twice(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first_step.STAMP.parent.mkdir(parents=True)
    first_step.STAMP.write_text(first_step.wanted_state(True))
    monkeypatch.setattr(first_step, "run", nothing_may_run)
    first_step.install(with_tests=True)
    first_step.install(with_tests=False)


def test_tools_for_tests_are_added_later(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first_step.STAMP.parent.mkdir(parents=True)
    first_step.STAMP.write_text(first_step.wanted_state(False))
    for name in ("python", "pip"):
        first_step.PYTHON.with_name(name).parent.mkdir(exist_ok=True)
        first_step.PYTHON.with_name(name).touch()
    ran: list[list[str]] = []
    monkeypatch.setattr(first_step, "run", lambda arguments, sentence: ran.append([str(word) for word in arguments]))
    first_step.install(with_tests=True)
    assert any(word.endswith("requirements-dev.txt") for words in ran for word in words)
    assert first_step.wanted_state(True) in first_step.STAMP.read_text().split()


@pytest.mark.parametrize("name", ["requirements.txt", "setup.py", "pyproject.toml"])
def test_a_changed_lock_is_installed(first_step: ModuleType, name: str) -> None:
    before = first_step.wanted_state(False)
    (first_step.ROOT / name).write_text("changed\n")
    assert first_step.wanted_state(False) != before


def test_what_pip_was_told_of_the_network_holds_for_uv(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/own.pem")
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example.org/simple")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    told = first_step.certificates()
    assert told["SSL_CERT_FILE"] == "/etc/ssl/own.pem"
    assert told["UV_DEFAULT_INDEX"] == "https://packages.example.org/simple"


def test_the_script_stands_on_the_standard_library_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('kzopen', run_name='looked_at')"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(ROOT / "kzopen", os.X_OK)


def test_what_python_compiled_is_kept(first_step: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "elsewhere")

    first_step.keep_bytecode()

    assert "PYTHONDONTWRITEBYTECODE" not in os.environ
    assert os.environ["PYTHONPYCACHEPREFIX"] == str(first_step.VENV / "bytecode")

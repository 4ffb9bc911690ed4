"""`./kzopen check` tells each check's line, what failed and why, and ends with 1."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ckanext.kzopen.runtime import checking
from ckanext.kzopen.runtime.checking import Check

ROOT = Path(__file__).resolve().parents[2]
HOLDS = Check("calm", "nothing is said", (sys.executable, "-c", "print('words of no interest')"))
FAILS = Check("storm", "something is said", (sys.executable, "-c", "import sys; print('row 7 is wrong'); sys.exit(3)"))
SILENT = Check("mute", "fails without words", (sys.executable, "-c", "import sys; sys.exit(4)"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(checking, "CHECKS", (HOLDS, FAILS, SILENT))
    return []


def test_a_check_that_holds_has_a_line_and_no_words(told: list[str]) -> None:
    assert checking.run_and_tell(("calm",), mending=False, say=told.append) == 0
    assert [line.split()[0] for line in told[:1]] == ["holds"]
    assert told[0].endswith("calm       nothing is said")
    assert told[-1].startswith("\nall checks hold")
    assert not any("no interest" in line for line in told)


def test_a_check_that_fails_is_named_with_its_words(told: list[str]) -> None:
    assert checking.run_and_tell((), mending=False, say=told.append) == 1
    words = "\n".join(told)
    assert "--- storm: something is said\nrow 7 is wrong" in words
    assert "--- mute: fails without words\nended with 4" in words
    assert "failed: " in told[-1]
    assert "storm" in told[-1]
    assert "calm" not in told[-1]


def test_an_unknown_name_is_told_with_those_that_exist(told: list[str]) -> None:
    assert checking.run_and_tell(("styl",), mending=False, say=told.append) == 2
    assert told == ["there is no check styl; the checks are calm, storm, mute"]


def test_the_checks_have_names_of_their_own_and_commands_that_exist() -> None:
    names = [check.name for check in checking.CHECKS]
    assert len(set(names)) == len(names)
    assert all(Path(check.command[0]).is_file() for check in checking.CHECKS)

"""A start tells what it does and about how long is left."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest
from ckanext.kzopen.runtime.progress import Progress, seconds_left

ROOT = Path(__file__).resolve().parents[2]
STEPS = {"laying": 2.0, "building": 6.0, "opening": 2.0}


def first_step() -> Any:
    loader = SourceFileLoader("kzopen_first_step", str(ROOT / "kzopen"))
    spec = importlib.util.spec_from_loader("kzopen_first_step", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("left", "done", "took", "expected"),
    [
        ([2.0, 6.0], 0.0, 0.0, 8.0),
        ([6.0], 2.0, 2.0, 6.0),
        ([6.0], 5.0, 15.0, 12.0),
        ([6.0], 5.0, 0.0, 3.0),
        ([6.0], 0.0, 95.0, 120.0),
    ],
)
def test_what_is_left_goes_by_the_pace_of_what_is_done_the_more_the_longer_that_took(
    left: list[float], done: float, took: float, expected: float
) -> None:
    assert seconds_left(left, done, took) == expected


def test_each_step_is_told_with_its_place_and_the_seconds_left(tmp_path: Path) -> None:
    told: list[str] = []
    progress = Progress(STEPS, tmp_path / "timings.json", told.append)
    progress.begin("laying")
    assert told == ["1/3 laying; about 10 s left …"]


def test_a_step_is_expected_to_take_what_it_took_here_before(tmp_path: Path) -> None:
    memory = tmp_path / "timings.json"
    memory.write_text(json.dumps({"laying": 1.0, "building": 20.0, "other": 3.0}))
    told: list[str] = []
    Progress(STEPS, memory, told.append).begin("laying")
    assert told == ["1/3 laying; about 23 s left …"]


def test_what_steps_took_is_remembered_beside_what_was_known(tmp_path: Path) -> None:
    memory = tmp_path / "timings.json"
    memory.write_text(json.dumps({"other": 3.0}))
    progress = Progress(STEPS, memory, lambda _: None)
    progress.begin("laying")
    progress.begin("building")
    progress.end()
    known = json.loads(memory.read_text())
    assert known.keys() == {"other", "laying", "building"}
    assert known["other"] == 3.0


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"laying": "soon"}'])
def test_a_memory_that_was_cut_off_is_no_obstacle(tmp_path: Path, content: str) -> None:
    memory = tmp_path / "timings.json"
    memory.write_text(content)
    told: list[str] = []
    Progress(STEPS, memory, told.append).begin("laying")
    assert told == ["1/3 laying; about 10 s left …"]


def test_the_set_up_of_libraries_tells_what_is_left_too() -> None:
    module = first_step()
    steps = list(module.EXPECTED)
    whole = sum(module.EXPECTED.values())
    first = module.EXPECTED[module.ENVIRONMENT]
    assert module.seconds_left(steps, 0, 0.0) == whole
    assert module.seconds_left(steps, 1, 2.0 * first + 5) == 2 * (whole - first)

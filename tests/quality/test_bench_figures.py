"""What a benchmark ends with: one line per figure, and an exit code that a script can trust."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
from ckanext.kzopen.runtime import benching

from bench.figures import Figure, as_json, at_least, at_most, below, exit_code, faster, ratio, told, unproven


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (below("start.warm", 6.0, 8, "s"), "start.warm: measured=6s peer=- ratio=- bar=<8s holds"),
        (below("start.warm", 8.0, 8, "s"), "start.warm: measured=8s peer=- ratio=- bar=<8s short"),
        (at_least("core.changes", 299, 300, "/s"), "core.changes: measured=299/s peer=- ratio=- bar=>=300/s short"),
        (at_most("a.b", 3, 4, "s", peer=1), "a.b: measured=3s peer=1s ratio=0.33 bar=<4s holds"),
        (ratio("search.word", 2, 20, 10, "ms"), "search.word: measured=2ms peer=20ms ratio=10.00 bar=>=10x holds"),
        (ratio("search.word", 2.1, 20, 10, "ms"), "search.word: measured=2.1ms peer=20ms ratio=9.52 bar=>=10x short"),
        (faster("harvest.new", 16, 2, 8, "/s"), "harvest.new: measured=16/s peer=2/s ratio=8.00 bar=>=8x holds"),
        (told("a.b", 1.5, "s"), "a.b: measured=1.5s peer=- ratio=- bar=- told"),
        (unproven("a.b", 1.5, "s", ">=8x"), "a.b: measured=1.5s peer=- ratio=- bar=>=8x unproven"),
    ],
)
def test_a_figure_is_one_line(figure: Figure, line: str) -> None:
    assert figure.line == line


def test_the_exit_code_tells_the_worst() -> None:
    holds, short, without = below("a", 1, 2, "s"), below("b", 3, 2, "s"), unproven("c", 1, "s", ">=2x")
    assert [exit_code(found) for found in ([holds, told("d", 1, "s")], [holds, without], [without, short])] == [0, 3, 1]


def test_a_program_reads_the_same() -> None:
    (read,) = json.loads(as_json([ratio("search.word", 2, 20, 10, "ms")]))
    assert (read["name"], read["measured"], read["peer"], read["verdict"]) == ("search.word", 2, 20, "holds")


@pytest.mark.parametrize(
    ("measured", "code"),
    [(below("a", 1, 2, "s"), 0), (below("a", 3, 2, "s"), 1), (unproven("a", 1, "s", ">=2x"), 3), (told("a", 1, "s"), 0)],
)
def test_a_benchmark_says_its_conditions_and_its_figures_and_ends_with_their_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], measured: Figure, code: int
) -> None:
    def run(quick: bool, say: benching.Say) -> list[Figure]:
        say(f"warm, quick: {quick}")
        return [measured]

    monkeypatch.setitem(sys.modules, "bench.measured_here", SimpleNamespace(run=run))
    said: list[str] = []
    assert benching.run("measured_here", True, False, said.append) == code
    assert said == ["warm, quick: True", measured.line]
    assert benching.run("measured_here", False, True, said.append) == code
    assert json.loads(said[-1])[0]["name"] == "a", "a program reads the figures alone"
    assert capsys.readouterr().err == "warm, quick: False\n"

"""`./kzopen bench NAME`: loads `bench/NAME.py` of the checkout and prints what it measured."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
Say = Callable[[str], None]
NOT_BENCHES = frozenset({"__init__", "figures"})


def names() -> list[str]:
    """The benchmarks of this checkout."""
    return sorted(f.stem for f in (ROOT / "bench").glob("*.py") if f.stem not in NOT_BENCHES and not f.stem.startswith("_"))


def run(name: str, quick: bool, as_json: bool, say: Say) -> int:
    """Run one benchmark; its exit code: 1 a figure is short, 3 a peer could not be run, 0 all hold."""
    sys.path.insert(0, str(ROOT))
    figures = importlib.import_module("bench.figures")
    bench = importlib.import_module(f"bench.{name}")
    measured = bench.run(quick, _beside if as_json else say)
    say(figures.as_json(measured) if as_json else "\n".join(figure.line for figure in measured))
    return int(figures.exit_code(measured))


def _beside(sentence: str) -> None:
    """Warm-up, state of caches and load, beside what a program reads."""
    sys.stderr.write(f"{sentence}\n")

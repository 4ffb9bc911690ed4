"""What a start is doing, and about how long is left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

TRUST = 5.0  # seconds of work after which half of the estimate is by the pace of this start


def seconds_left(left: Sequence[float], done: float, took: float) -> float:
    """Expected seconds of the steps that are `left`, by the pace of those that are done.

    `done` is what those were expected to take, `took` what they did take; both in seconds.
    """
    return sum(left) * (took + TRUST) / (done + TRUST)


class Progress:
    """Tells each step as it begins. What a step took here last time is what is expected of it; a guess the first time."""

    def __init__(self, steps: Mapping[str, float], memory: Path, say: Callable[[str], None]) -> None:
        """`steps` are names in their order with guesses in seconds; `memory` is the file of what they took."""
        self._memory, self._say = memory, say
        self._known = _read(memory)
        self._expected = {name: self._known.get(name, guess) for name, guess in steps.items()}
        self._took: dict[str, float] = {}
        self._current: tuple[str, float] | None = None

    def begin(self, name: str) -> None:
        """End the step before and tell this one."""
        self.end()
        names = list(self._expected)
        place = names.index(name)
        done = sum(self._expected[step] for step in self._took)
        left = seconds_left([self._expected[step] for step in names[place:]], done, sum(self._took.values()))
        self._say(f"{place + 1}/{len(names)} {name}; about {max(round(left), 1)} s left …")
        self._current = (name, time.monotonic())

    def end(self) -> None:
        """End the current step and remember what the steps took."""
        if self._current:
            name, started = self._current
            self._took[name] = round(time.monotonic() - started, 2)
            self._current = None
            self._memory.write_text(json.dumps(self._known | self._took))


def _read(memory: Path) -> dict[str, float]:
    """What steps took here before; nothing where the file is missing or was cut off."""
    try:
        told = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return (
        {name: float(took) for name, took in told.items() if isinstance(took, int | float)} if isinstance(told, dict) else {}
    )

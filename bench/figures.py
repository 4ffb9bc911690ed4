"""What a benchmark ends with: one line per figure, and an exit code that a script can trust."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

Verdict = Literal["holds", "short", "unproven", "told"]
EXIT_HOLDS, EXIT_SHORT, EXIT_UNPROVEN = 0, 1, 3


@dataclass(frozen=True)
class Figure:
    """One measured figure. `bar` is a sentence like "< 8 s"; None when there is none. `peer` is None where there is none."""

    name: str
    measured: float
    unit: str
    verdict: Verdict
    bar: str | None = None
    peer: float | None = None
    rate: bool = False  # more is better, so the ratio is ours to the peer's

    @property
    def line(self) -> str:
        """`NAME.figure: measured=… peer=… ratio=… bar=… verdict`."""
        peer = f"{self.peer:.4g}{self.unit}" if self.peer is not None else "-"
        measured = self.measured
        quotient = (
            "-" if not (self.peer and measured) else f"{(measured / self.peer if self.rate else self.peer / measured):.2f}"
        )
        seen = f"measured={measured:.4g}{self.unit} peer={peer} ratio={quotient}"
        return f"{self.name}: {seen} bar={self.bar or '-'} {self.verdict}"


def below(name: str, measured: float, bar: float, unit: str) -> Figure:
    """A figure that must stay under its bar."""
    return Figure(name, measured, unit, "holds" if measured < bar else "short", bar=f"<{bar:g}{unit}")


def at_most(name: str, measured: float, bar: float, unit: str, *, peer: float) -> Figure:
    """A figure that must stay under what follows from its peer's."""
    return Figure(name, measured, unit, "holds" if measured < bar else "short", bar=f"<{bar:.4g}{unit}", peer=peer)


def unproven(name: str, measured: float, unit: str, bar: str) -> Figure:
    """A figure whose peer could not be run."""
    return Figure(name, measured, unit, "unproven", bar=bar)


def at_least(name: str, measured: float, bar: float, unit: str) -> Figure:
    """A figure that must reach its bar."""
    return Figure(name, measured, unit, "holds" if measured >= bar else "short", bar=f">={bar:.4g}{unit}")


def ratio(name: str, measured: float, peer: float, bar: float, unit: str) -> Figure:
    """A time that must be so many times shorter than the peer's, in the same run."""
    return Figure(name, measured, unit, "holds" if peer / measured >= bar else "short", f">={bar:g}x", peer)


def faster(name: str, measured: float, peer: float, bar: float, unit: str) -> Figure:
    """A rate that must be so many times the peer's, in the same run."""
    return Figure(name, measured, unit, "holds" if measured / peer >= bar else "short", f">={bar:g}x", peer, rate=True)


def told(name: str, measured: float, unit: str, peer: float | None = None, *, rate: bool = False) -> Figure:
    """A figure without a bar; of a `rate` more is better."""
    return Figure(name, measured, unit, "told", peer=peer, rate=rate)


def exit_code(figures: list[Figure]) -> int:
    """1 when one figure is short, else 3 when a peer could not be run, else 0."""
    verdicts = {figure.verdict for figure in figures}
    if "short" in verdicts:
        return EXIT_SHORT
    return EXIT_UNPROVEN if "unproven" in verdicts else EXIT_HOLDS


def as_json(figures: list[Figure]) -> str:
    """All figures for a program to read."""
    return json.dumps([asdict(figure) for figure in figures], ensure_ascii=False, indent=2)

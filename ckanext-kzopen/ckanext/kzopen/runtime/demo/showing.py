"""The loader's progress bar and its summary on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from ckanext.kzopen.runtime.demo.loading import Advance, Outcome, Summary
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

ENDS = {"loaded": "loaded", "unchanged": "there already", "refused": "refused", "repeat": "repeats"}
LISTED_REPEATS = 5
WIDTH = 160
Loader = Callable[[Advance], Summary]


def with_progress(title: str, total: int, loader: Loader) -> Summary:
    """Run a loader behind a progress bar, where there is a terminal for one, and show its summary."""
    console = console_for(sys.stdout)
    started = time.monotonic()
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=total)
        summary = loader(lambda outcome: progress.advance(bar))
    show(console, summary, time.monotonic() - started)
    return summary


def console_for(stream: TextIO) -> Console:
    """As wide as the terminal; where there is none, wide enough that file names are not broken."""
    return Console(file=stream, width=None if stream.isatty() else WIDTH)


def show(console: Console, summary: Summary, seconds: float) -> None:
    """What was refused and why, the first repeats, and the counts."""
    refused, repeats = summary.ended("refused"), summary.ended("repeat")
    if refused:
        _table(console, "refused", refused)
    if repeats:
        _table(console, f"repeats (the first {LISTED_REPEATS} of {len(repeats)})", repeats[:LISTED_REPEATS])
    console.print(f"{sentence(summary)} in {seconds:.0f} s", highlight=False)


def sentence(summary: Summary) -> str:
    """`40 loaded, 2 repeats; 4931 rows`."""
    counts = ", ".join(f"{summary.counts[end]} {words}" for end, words in ENDS.items() if end in summary.counts)
    return f"{counts or 'nothing to load'}; {sum(outcome.rows for outcome in summary.outcomes)} rows"


def _table(console: Console, title: str, outcomes: list[Outcome]) -> None:
    table = Table(Column("what", overflow="fold"), Column("why", overflow="fold"), title=title, title_justify="left")
    for outcome in outcomes:
        table.add_row(outcome.name, outcome.reason)
    console.print(table)

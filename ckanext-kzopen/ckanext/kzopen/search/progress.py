"""How far long work is: the indexer tells it through PostgreSQL, commands show it as one line of the terminal."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from ckanext.kzopen.search.engines.base import Entry
from sqlalchemy import Engine, text

CHANNEL = "kzopen_search_progress"
"""PostgreSQL tells listeners of this channel how many documents of how many the index that is being built has: `120/1000`."""

_EVERY = 0.5
"""Seconds between two pieces of news."""
_WIDEST = 100
_NOTIFY = text("SELECT pg_notify(:channel, :message)")


def telling(database: Engine, entries: Iterator[Entry], of: int) -> Iterator[Entry]:
    """The entries as they are; whoever listens hears how many of so many have been taken."""
    due, number = 0.0, 0
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
        for number, entry in enumerate(entries):
            if time.monotonic() >= due:
                own.execute(_NOTIFY, {"channel": CHANNEL, "message": f"{number}/{max(of, number)}"})
                due = time.monotonic() + _EVERY
            yield entry
        own.execute(_NOTIFY, {"channel": CHANNEL, "message": f"{max(of, number)}/{max(of, number)}"})


@contextmanager
def listening(database: Engine) -> Iterator[Callable[[float], tuple[int, int] | None]]:
    """Gives what waits at most so many seconds for news and returns the last of it: done, of how many."""
    raw = database.raw_connection()
    driver: Any = raw.driver_connection
    raw.detach()

    def hear(seconds: float) -> tuple[int, int] | None:
        if not select.select([driver], [], [], seconds)[0]:
            return None
        driver.poll()
        news = [notify.payload.partition("/") for notify in driver.notifies]
        driver.notifies.clear()
        return (int(news[-1][0]), int(news[-1][2])) if news else None

    try:
        driver.autocommit = True
        driver.cursor().execute(f"LISTEN {CHANNEL}")
        yield hear
    finally:
        driver.close()


class Shown:
    """One line of the terminal that says how far `what` is and about how long is left.

    Time counts from the first documents that are done: processes that start are no measure of how fast they will be.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._first: tuple[float, int] | None = None

    def __call__(self, done: int, of: int) -> None:
        """So many are done, of so many."""
        now = time.monotonic()
        if self._first is None and done:
            self._first = now, done
        since, before = self._first or (now, done)
        self.say(line(self._what, done, of, done - before, now - since))

    def say(self, sentence: str) -> None:
        """Put this into the line's place."""
        click.echo(f"\r{sentence:<{_WIDEST}}", nl=False)


def line(what: str, done: int, of: int, lately: int, seconds: float) -> str:
    """`what: 1,200 of 10,000 documents, about 2 min left`, when the last `lately` of them took so many seconds."""
    told = f"{what}: {done:,} of {of:,} documents"
    return f"{told}, {_left(seconds * (of - done) / lately)}" if lately > 0 and done < of else told


def _left(seconds: float) -> str:
    for most, length, unit in ((100, 1, "s"), (100 * 60, 60, "min")):
        if seconds < most:
            return f"about {max(1, round(seconds / length))} {unit} left"
    return f"about {seconds / 3600:.1f} h left"

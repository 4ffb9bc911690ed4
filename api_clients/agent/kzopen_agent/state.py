"""What the agent remembers, in one SQLite file: a hash of each row that is on its way or on the portal, and the queue.

A look at a table writes hashes and queue entries in one transaction, so that a death in between loses and doubles nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kzopen_agent.settings import Table

PIECE = 5000
"""Rows of one delivery; the first one of a table is sent whole, however long it is."""
TABLES = """
CREATE TABLE IF NOT EXISTS row (dataset TEXT, key TEXT, hash BLOB, PRIMARY KEY (dataset, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT, mode TEXT, id TEXT, rows INTEGER, body BLOB, keys TEXT,
    delivery TEXT, tries INTEGER DEFAULT 0, next_try REAL DEFAULT 0, said TEXT DEFAULT ''
);
CREATE TABLE IF NOT EXISTS look (dataset TEXT PRIMARY KEY, at REAL, rows INTEGER, said TEXT);
"""
Row = dict[str, Any]


class DoubleKey(Exception):
    """Two rows of a table have the same key, or a row has none: nothing of the table is sent."""


@dataclass(frozen=True)
class Change:
    """What a look at a table found: rows to send by mode, and how many stay as they are."""

    added: int
    changed: int
    removed: int
    unchanged: int

    @property
    def is_none(self) -> bool:
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True)
class Entry:
    """One delivery that waits in the queue; `id` is its Idempotency-Key."""

    number: int
    dataset: str
    mode: str
    id: str
    rows: int
    body: bytes
    delivery: str | None
    tries: int


class State:
    """The file of the agent; one process at a time writes it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(folder / "agent.sqlite", isolation_level=None, timeout=30)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.executescript(TABLES)

    def close(self) -> None:
        self.connection.close()

    def look(self, table: Table, rows: Iterable[Row], *, commit: bool = True) -> Change:
        """Compare the rows with what was sent and put the changes into the queue; with `commit=False` only compare."""
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            first = execute("SELECT 1 FROM row WHERE dataset = ? LIMIT 1", (table.dataset,)).fetchone() is None
            first = first and execute("SELECT 1 FROM entry WHERE dataset = ? LIMIT 1", (table.dataset,)).fetchone() is None
            change = self._compare(table, rows, whole=first)
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT" if commit else "ROLLBACK")
        return change

    def _compare(self, table: Table, rows: Iterable[Row], *, whole: bool) -> Change:
        execute = self.connection.execute
        execute("CREATE TEMP TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY) WITHOUT ROWID")
        execute("DELETE FROM temp.seen")
        counts = {"added": 0, "changed": 0, "unchanged": 0}
        sending: list[tuple[str, Row]] = []
        for row in rows:
            key = key_of(table, row)
            try:
                execute("INSERT INTO temp.seen VALUES (?)", (key,))
            except sqlite3.IntegrityError as error:
                raise DoubleKey(f"{table.dataset}: {key} comes twice") from error
            kind = self._kind(table, key, row)
            counts[kind] += 1
            if kind != "unchanged":
                sending.append((key, row))
            if len(sending) >= PIECE and not whole:
                self._queue(table, "upsert", sending)
                sending = []
        if sending:
            self._queue(table, "replace" if whole else "upsert", sending)
        removed = self._queue_removals(table)
        at, total = time.time(), sum(counts.values())
        execute("INSERT OR REPLACE INTO look VALUES (?, ?, ?, '')", (table.dataset, at, total))
        return Change(counts["added"], counts["changed"], removed, counts["unchanged"])

    def _kind(self, table: Table, key: str, row: Row) -> str:
        """Whether the row is new, changed or as it was; its hash is kept."""
        digest = hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=False, default=str).encode()).digest()[:16]
        execute = self.connection.execute
        known = execute("SELECT hash FROM row WHERE dataset = ? AND key = ?", (table.dataset, key)).fetchone()
        if known is not None and known[0] == digest:
            return "unchanged"
        execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?)", (table.dataset, key, digest))
        return "added" if known is None else "changed"

    def _queue_removals(self, table: Table) -> int:
        execute = self.connection.execute
        gone = "SELECT key FROM row WHERE dataset = ? AND key NOT IN (SELECT key FROM temp.seen)"
        keys = [str(row[0]) for row in execute(gone, (table.dataset,))]
        for begin in range(0, len(keys), PIECE):
            piece = keys[begin : begin + PIECE]
            named = [(key, dict(zip(table.key, json.loads(key), strict=True))) for key in piece]
            self._queue(table, "delete", named)
        execute("DELETE FROM row WHERE dataset = ? AND key NOT IN (SELECT key FROM temp.seen)", (table.dataset,))
        return len(keys)

    def _queue(self, table: Table, mode: str, rows: list[tuple[str, Row]]) -> None:
        lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for _key, row in rows)
        keys = json.dumps([key for key, _row in rows])
        self.connection.execute(
            "INSERT INTO entry (dataset, mode, id, rows, body, keys) VALUES (?, ?, ?, ?, ?, ?)",
            (table.dataset, mode, uuid.uuid4().hex, len(rows), gzip.compress(lines.encode(), 6, mtime=0), keys),
        )

    def waiting(self, now: float) -> Iterator[Entry]:
        """The oldest entry of each data set, if it may be sent now: those of one data set keep their order."""
        oldest = "SELECT min(number) FROM entry GROUP BY dataset"
        names = "number, dataset, mode, id, rows, body, delivery, tries"
        wanted = f"SELECT {names} FROM entry WHERE number IN ({oldest}) AND next_try <= ? ORDER BY number"  # noqa: S608
        for row in self.connection.execute(wanted, (now,)).fetchall():
            yield Entry(*row)

    def delivered(self, entry: Entry) -> None:
        """The portal has published it."""
        self.connection.execute("DELETE FROM entry WHERE number = ?", (entry.number,))

    def taken(self, entry: Entry, delivery: str) -> None:
        """The portal has it; what becomes of it is asked later."""
        self.connection.execute("UPDATE entry SET delivery = ? WHERE number = ?", (delivery, entry.number))

    def later(self, entry: Entry, at: float, said: str) -> None:
        """It could not be sent; try again at this moment."""
        self.connection.execute(
            "UPDATE entry SET tries = tries + 1, next_try = ?, said = ? WHERE number = ?", (at, said[:500], entry.number)
        )

    def refused(self, entry: Entry, said: str) -> None:
        """The portal does not want these rows: they count as never sent, so that they go again when they are corrected.

        What follows for the same data set is thrown away with it: it was counted from rows that are not there.
        """
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        later = execute(
            "SELECT keys, mode FROM entry WHERE dataset = ? AND number >= ?", (entry.dataset, entry.number)
        ).fetchall()
        for keys, mode in later:
            for key in json.loads(keys):
                # An empty hash is unlike every row and yet known: a removal that was refused is asked for again.
                if mode == "delete":
                    execute("INSERT OR REPLACE INTO row VALUES (?, ?, x'')", (entry.dataset, key))
                else:
                    execute("UPDATE row SET hash = x'' WHERE dataset = ? AND key = ?", (entry.dataset, key))
        if entry.mode == "replace":
            execute("DELETE FROM row WHERE dataset = ?", (entry.dataset,))
        execute("DELETE FROM entry WHERE dataset = ? AND number >= ?", (entry.dataset, entry.number))
        execute("UPDATE look SET said = ? WHERE dataset = ?", (said[:500], entry.dataset))
        execute("COMMIT")

    def forget(self, dataset: str) -> None:
        """Send the whole table again at the next look."""
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM row WHERE dataset = ?", (dataset,))
        execute("DELETE FROM entry WHERE dataset = ?", (dataset,))
        execute("COMMIT")

    def last_look(self, dataset: str) -> float:
        """When the table was looked at last, in seconds since 1970; 0 = never."""
        found = self.connection.execute("SELECT at FROM look WHERE dataset = ?", (dataset,)).fetchone()
        return float(found[0]) if found else 0.0

    def said(self) -> list[tuple[Any, ...]]:
        """By data set: last look, rows, deliveries that wait, what the portal or the source said last."""
        wanted = """
            SELECT look.dataset, look.at, look.rows, (SELECT count(*) FROM entry WHERE entry.dataset = look.dataset),
                   coalesce((SELECT said FROM entry WHERE entry.dataset = look.dataset ORDER BY number LIMIT 1), look.said)
            FROM look ORDER BY look.dataset
        """
        return self.connection.execute(wanted).fetchall()


def key_of(table: Table, row: Row) -> str:
    """The key of a row as text; DoubleKey for a row without one."""
    values = [row.get(name) for name in table.key]
    if any(value is None for value in values):
        raise DoubleKey(f"{table.dataset}: a row without {', '.join(table.key)}")
    return json.dumps(values, ensure_ascii=False, default=str)

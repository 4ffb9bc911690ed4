"""Reading access records on from where the last reading ended; no line twice, none lost.

A file is known by its first line, which no other file has (it holds the time and a random request number): so renaming,
cutting off and beginning anew are all seen. Only whole lines are read. The caller stores the new position in the transaction
that stores the counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.figures.access.record import CURRENT

AT_ONCE = 4 << 20
"""Bytes that are read for one transaction."""
LARGEST = 64 << 20
BEGIN = b'{"at": '


@dataclass(frozen=True)
class Part:
    """Whole lines of one file, from where the last reading ended to `position`."""

    identity: str
    position: int
    lines: list[dict[str, Any]]


def files(folder: Path) -> list[Path]:
    """The files of records, those that were put aside first, in the order of time."""
    aside = sorted(folder.glob("access-*.log"))
    current = folder / CURRENT
    return [*aside, current] if current.exists() else aside


def identity_of(path: Path) -> str | None:
    """By what a file is known whatever it is called; None as long as its first line is not whole."""
    try:
        with path.open("rb") as file:
            first = file.readline(1 << 20)
    except FileNotFoundError:
        return None
    return hashlib.sha256(first).hexdigest() if first.endswith(b"\n") else None


def part(path: Path, identity: str, position: int) -> Part | None:
    """The next lines of a file; None when there is no whole new one."""
    with path.open("rb") as file:
        file.seek(position)
        found = file.read(AT_ONCE)
    end = found.rfind(b"\n") + 1
    return Part(identity, position + end, list(_records(found[:end]))) if end else None


def _records(content: bytes) -> Iterator[dict[str, Any]]:
    """The records; of a line that a crash cut in the middle, the whole record that was added behind it is taken."""
    for row in content.splitlines():
        found = _record(row) or _record(row[max(0, row.rfind(BEGIN)) :])
        if found is not None:
            yield found


def _record(row: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(row)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def put_aside(folder: Path, stamp: str) -> Path | None:
    """Rename the file of now, if it has anything; the web server begins a new one with its next line."""
    current = folder / CURRENT
    if not current.exists() or not current.stat().st_size:
        return None
    aside = folder / f"access-{stamp}.log"
    current.rename(aside)
    return aside

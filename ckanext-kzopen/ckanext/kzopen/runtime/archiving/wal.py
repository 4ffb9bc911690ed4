"""PostgreSQL's log on its way into an archive and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

SEGMENT = 1 << 24
"""Bytes of a segment, as initdb makes them."""
ENDING = ".gz"
NAME = 24
"""Letters of a segment's name: eight for the timeline, sixteen for the place."""


def options(wal: Path) -> dict[str, str]:
    """What the server is started with so that it archives each segment that is full or was switched."""
    return {
        "wal_level": "replica",
        "max_wal_senders": "2",
        "archive_mode": "on",
        "archive_command": archive_command(wal),
    }


def archive_command(wal: Path) -> str:
    """Compress one segment into the archive, whole and on the disk; one that is there already must be the same.

    `%p` and `%f` are PostgreSQL's: the segment's path and name. Where a full disk makes this fail, it tries again.
    """
    folder = _folder(wal)
    target = f"{folder}/%f{ENDING}"
    kept = f'if [ -e {target} ]; then gzip -dc {target} | cmp -s - "%p"; exit; fi'
    made = f'gzip -1 -nc "%p" > {target}.part && sync {target}.part && mv {target}.part {target} && sync {folder}'
    return f"{kept}; {made}"


def restore_command(wal: Path) -> str:
    """Bring one segment back."""
    source = f"{_folder(wal)}/%f{ENDING}"
    return f'[ -e {source} ] && gzip -dc {source} > "%p"'


def _folder(wal: Path) -> str:
    """As a word of the shell, in which PostgreSQL looks for its signs."""
    return quote(str(wal)).replace("%", "%%")


def first_segment(base: Path) -> str:
    """The segment with which the log of a base copy begins."""
    told = json.loads((base / "backup_manifest").read_text(encoding="utf-8"))["WAL-Ranges"][0]
    high, low = (int(part, 16) for part in told["Start-LSN"].split("/"))
    return f"{told['Timeline']:08X}{high:08X}{low // SEGMENT:08X}"


def needed(wal: Path, first: str) -> Iterator[Path]:
    """What of the log is needed from a segment on: later segments of every timeline, and what tells of timelines."""
    for path in sorted(wal.glob(f"*{ENDING}")):
        name = path.name.removesuffix(ENDING)
        if name.endswith(".history") or name[8:NAME] >= first[8:]:
            yield path

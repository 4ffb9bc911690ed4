"""The journal: each key and signed head as a line of JSON in the data directory, out of reach of who has the database only."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Journal:
    """A file to which lines are added and never taken away."""

    path: Path

    def note(self, signed: dict[str, Any]) -> None:
        """Add a signed statement, surely; a cut line that a crash left behind is ended first."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            length = file.seek(0, os.SEEK_END)
            whole = length == 0 or os.pread(descriptor, 1, length - 1) == b"\n"
            file.write((b"" if whole else b"\n") + json.dumps(signed).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)

    def statements(self) -> list[dict[str, Any]]:
        """All statements, oldest first, without lines that a crash cut off."""
        if not self.path.exists():
            return []
        return [found for line in self.path.read_bytes().splitlines() if (found := _statement(line)) is not None]


def _statement(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None

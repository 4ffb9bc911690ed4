"""The note of an upgrade that has not ended. While it lies there, nobody but the upgrade starts or backs up the portal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[5]
HELPS = "An upgrade was not finished, or still goes on. If none goes on: ./kzopen upgrade --roll-back --commit"


def place(root: Path = ROOT) -> Path:
    """Where the note lies: in the checkout whose code is switched."""
    return root / ".upgrade.json"


def is_there() -> bool:
    """Whether an upgrade of this checkout has not ended."""
    return place().exists()


def write(root: Path, content: dict[str, Any]) -> None:
    """Replace the note at once, so that nobody reads half of it."""
    unfinished = place(root).with_suffix(".new")
    unfinished.write_text(json.dumps(content))
    unfinished.replace(place(root))

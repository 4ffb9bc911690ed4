"""Checksums of what a source tells and of the files that it gives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def digest(told: Any) -> str:
    """The SHA-256 of something in JSON, whatever the order of its members, in hexadecimal."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def is_of(file: Path, told: str) -> bool:
    """Whether the file has the checksum `algorithm:hexadecimal`, MD5 where no algorithm is named (Data Package, `hash`).

    False for an algorithm that is not known here.
    """
    algorithm, _, value = told.rpartition(":")
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm.lower() or "md5").hexdigest() == value.lower()
    except (TypeError, ValueError):  # TypeError: one without a length of its own
        return False

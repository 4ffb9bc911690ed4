"""Rows as lines of JSON, the form in which kinds hand over tables that they read record by record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ckanext.kzopen.core.web.errors import KzError


def write(rows: Iterable[Mapping[str, Any]], into: Path, limit: int) -> int:
    """Write the rows, a line each; how many. KzError client.too_large when they take more than `limit` bytes."""
    number = size = 0
    with into.open("wb") as file:
        for row in rows:
            size += file.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
            if size > limit:
                raise KzError("client.too_large", limit=limit)
            number += 1
    return number

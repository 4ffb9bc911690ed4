"""Rows as lines of JSON or of CSV, the forms in which kinds hand over tables that they read record by record."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.reach import Reach

OFTEN = 1000
"""After so many rows it is looked whether they are still wanted."""


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


def write_csv(rows: Iterable[Sequence[str]], into: Path, reach: Reach) -> None:
    """Write the rows as CSV in UTF-8; KzError client.too_large when they take more bytes than one answer may have unpacked,
    harvest.cancelled when they are wanted no more.
    """
    size = 0
    with into.open("wb") as file:
        writer = csv.writer(SimpleNamespace(write=lambda text: file.write(text.encode())), lineterminator="\n")
        for number, row in enumerate(rows, start=1):
            size += writer.writerow(row)
            if size > reach.limits.unpacked:
                raise KzError("client.too_large", limit=reach.limits.unpacked)
            if number % OFTEN == 0 and reach.ended():
                raise KzError("harvest.cancelled")

"""Columns proposed from a file, for a person to confirm: codes stay text, only what is certain gets another type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SAMPLE = 1000
WHOLE = re.compile(r"-?(0|[1-9]\d{0,8})")
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
CODE = re.compile(r"\d{6,}")
KINDS = (("integer", WHOLE), ("number", NUMBER), ("date", DAY))


def proposed(path: Path) -> list[dict[str, Any]]:
    """The columns of the table in a file; raises validation's Unreadable when there is none."""
    from ckanext.kzopen.validation.reading import read

    cells = read(path)
    return [
        {"name": label, "type": kind_of(list(column)[:SAMPLE])}
        for label, column in zip(cells.labels, cells.columns, strict=True)
        if label
    ]


def kind_of(values: Iterable[Any]) -> str:
    """The type of a column of cells.

    Numbers with leading zeros, and long ones that are all of one length, are codes (BIN, KATO) and stay text.
    """
    texts = [str(value).strip() for value in values if value is not None and str(value).strip()]
    if not texts or (all(CODE.fullmatch(text) for text in texts) and len({len(text) for text in texts}) == 1):
        return "string"
    return next((kind for kind, form in KINDS if all(form.fullmatch(text) for text in texts)), "string")

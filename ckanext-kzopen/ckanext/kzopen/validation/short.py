"""Patterns on columns: a short one is asked in Python, since a call of polars costs as much as a hundred texts.

Patterns are written so that both understand them alike; tests compare the two.
"""

from __future__ import annotations

import re
from functools import lru_cache

import polars as pl

FEW = 200
"""Values of a column up to which Python is faster."""


def is_short(values: pl.Series) -> bool:
    """Whether the column has so few values."""
    return len(values) <= FEW


def all_hold(values: pl.Series, pattern: str) -> bool:
    """Whether every text of the column holds the pattern; none of them is missing."""
    if is_short(values):
        return all(holds(text, pattern) for text in values.to_list())
    return bool(values.str.contains(pattern).all())


def holds(text: str, pattern: str) -> bool:
    """Whether a text holds the pattern."""
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """The pattern for Python, where `$` would also match before a line feed at the end."""
    return re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern)

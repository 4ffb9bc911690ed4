"""A Table Schema for a file that has none, guessed from its cells and proved by the check that the portal will make.

Names are in Latin letters and fit a PostgreSQL column; the file's own label stays as the title, by which the check finds
the column. What looks like a number but is a code (leading zeros, long digits of one length, a label that says so) is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from ckanext.kzopen.validation.cells import Unreadable
from ckanext.kzopen.validation.check import check_file
from ckanext.kzopen.validation.findings import from_refusal
from ckanext.kzopen.validation.native import as_text
from ckanext.kzopen.validation.reading import read
from frictionless.fields import AnyField
from slugify import slugify

MISSING = ["", "-", "–", "…", "..."]
LONGEST_NAME = 60
CODE = re.compile(r"(?<![^\W_])(бин|иин|bin|iin|код|code|kato|окэд|шифр|id)(?![^\W_])", re.IGNORECASE)
KAZAKH_ONLY = re.compile("[әғқңөұүһі]", re.IGNORECASE)
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
INTEGER = r"^[+-]?(0|[1-9]\d{0,17})$"
NUMBER = r"^[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
LONG_DIGITS = r"^\d{9,}$"
MOMENTS = (
    ("date", r"^\d{4}-\d\d-\d\d$", None),
    ("date", r"^\d\d\.\d\d\.\d{4}$", "%d.%m.%Y"),
    ("datetime", r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$", None),
    ("datetime", r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", "%Y-%m-%d %H:%M:%S"),
    ("datetime", r"^\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d$", "%d.%m.%Y %H:%M:%S"),
)


class NotATable(Exception):
    """The file is not one table with a header; the message is the sentence of the check."""


def schema_of(path: Path, language: str = "en") -> dict[str, Any]:
    """A schema under which the file passes the portal's check; raises NotATable."""
    try:
        cells = read(path)
    except Unreadable as refusal:
        raise NotATable(from_refusal(refusal).sentence(language)) from refusal
    names = column_names(cells.labels)
    fields = [_field(*column) for column in zip(names, cells.labels, cells.columns, strict=True)]
    schema = {"fields": fields, "missingValues": MISSING}
    report = check_file(path, schema, limit=1).report
    if not report.valid:
        raise NotATable(f"{report.findings[0].sentence(language)} ({report.errors} in all)")
    return schema


def column_names(labels: Iterable[str]) -> list[str]:
    """A name for each label: Latin letters, digits and `_`, at most 60 of them, no two alike."""
    taken: set[str] = set()
    names = []
    for number, label in enumerate(labels, 1):
        name = stem = slugify(label, separator="_", max_length=LONGEST_NAME - 4) or f"column_{number}"
        repeat = 2
        while name in taken:
            name, repeat = f"{stem}_{repeat}", repeat + 1
        taken.add(name)
        names.append(name)
    return names


def _field(name: str, label: str, column: pl.Series | Sequence[object]) -> dict[str, Any]:
    texts = column if isinstance(column, pl.Series) else as_text(column, AnyField(name=name))
    titles = {"title": label, "title_translated": {language_of(label): label}} if label else {}
    return {"name": name, **type_of(label, texts), **titles}


def language_of(label: str) -> str:
    """kk, ru or en, by the letters of a label."""
    if KAZAKH_ONLY.search(label):
        return "kk"
    return "ru" if CYRILLIC.search(label) else "en"


def type_of(label: str, texts: pl.Series) -> dict[str, str]:
    """The narrowest type that holds every cell, with its format where it is not the standard's."""
    values = texts.drop_nulls().str.strip_chars()
    values = values.filter(~values.is_in(MISSING))
    if values.is_empty():
        return {"type": "string"}
    if values.is_in(["true", "false"]).all():
        return {"type": "boolean"}
    for kind, pattern, form in MOMENTS:
        if values.str.contains(pattern).all():
            return {"type": kind} | ({"format": form} if form else {})
    if CODE.search(label) or values.str.contains(LONG_DIGITS).all():
        return {"type": "string"}
    if values.str.contains(INTEGER).all():
        return {"type": "integer"}
    return {"type": "number" if values.str.contains(NUMBER).all() else "string"}

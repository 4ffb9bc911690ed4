"""Columns and cells of a table as a reader meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.texts import LANGUAGES, day

from portal_theme.reader import Translated, language

NUMERIC = {"int", "int2", "int4", "int8", "numeric", "float", "float4", "float8"}


@dataclass(frozen=True)
class Column:
    """A column with its title in languages; `type` is the DataStore's."""

    name: str
    title: Translated
    description: Translated
    type: str
    numeric: bool


def column_of(field: Mapping[str, Any]) -> Column:
    """A column from what the DataStore says of it: `info` holds label and notes, also by language (`label_kk`)."""
    info = field.get("info") or {}
    title = _in_languages(info, "label") or info.get("label") or field["id"]
    description = _in_languages(info, "notes") or info.get("notes") or ""
    return Column(field["id"], title, description, field["type"], field["type"] in NUMERIC)


def _in_languages(info: Mapping[str, Any], key: str) -> dict[str, str]:
    return {code: info[f"{key}_{code}"] for code in LANGUAGES if info.get(f"{key}_{code}")}


def kz_type(column: Column) -> str:
    """The type of a column in words."""
    words = {
        "text": tk._("text"),
        "bool": tk._("yes or no"),
        "date": tk._("date"),
        "timestamp": tk._("date and time"),
        "time": tk._("time of day"),
    }
    return tk._("number") if column.numeric else words.get(column.type, column.type)


def kz_cell(value: Any, column: Column) -> str:
    """A cell for reading: dates and yes/no in the reader's form, numbers as they are published."""
    if value is None:
        return ""
    if column.type == "bool":
        return tk._("yes") if value else tk._("no")
    if column.type in ("date", "timestamp"):
        return _as_published(datetime.fromisoformat(value), column.type == "timestamp")
    return str(value)


def _as_published(value: datetime, with_time: bool) -> str:
    """A time in a table has no zone: it is told as it stands, not moved to the reader's."""
    date = day(value.date(), language(), short=True)
    return f"{date}, {value:%H:%M}" if with_time else date


CELLS = (kz_type, kz_cell)

"""A proposal of a Table Schema for a file that has none; a person confirms it.

It looks at every value of a column, not at a sample, and prefers text to a wrong guess: codes stay texts (leading zeros,
twelve digits, labels such as БСН or КАТО), and so do columns in which `1,234` may be either number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from ckanext.kzopen.validation.cells import Cells, Limits, Unreadable
from ckanext.kzopen.validation.findings import from_refusal
from ckanext.kzopen.validation.names import field_names, language_of
from ckanext.kzopen.validation.native import as_text
from ckanext.kzopen.validation.reading import read
from ckanext.kzopen.validation.report import Report
from ckanext.kzopen.validation.short import all_hold as _all
from ckanext.kzopen.validation.short import is_short
from frictionless import Field

Proposal = dict[str, Any]

CODE_LABEL = re.compile(
    r"(?<!\w)(бин|бсн|иин|жсн|рнн|стн|bin|iin|rnn|като|каот|kato|код\w*|code|индекс\w*|index|post\s?code|postal\w*|zip|окэд|экжж|оквэд|кбк|"
    r"тн вэд|сэқ тн|почтов\w*|пошта\w*|телефон\w*|phone|счет|счёт|шот|кадастр\w*|жсн/бсн|бин/иин|иин/бин)(?!\w)",
    re.IGNORECASE,
)
CODE_NAME = re.compile(r"(?:(?<![^\W_])|(?<=[a-z])(?=[A-Z]))(?i:code|kod|kato|bin|bsn|iin|zhsn)$")
"""The same at the end of the name of a database's column: region_code, parentCode, but not code_count."""
YEAR_LABEL = re.compile(r"(?<!\w)(год\w*|жыл\w*|year)(?!\w)", re.IGNORECASE)
KEY_LABEL = re.compile(r"(id|№|код|коды|code|бин|бсн|bin|р/с №|№ п/п)", re.IGNORECASE)
NOTHING = (
    "-",
    "–",
    "—",
    "...",
    "…",
    "н/д",
    "нет данных",
    "деректер жоқ",
    "х",
    "x",
    "null",
    "NULL",
    "N/A",
    "n/a",
    "NaN",
    "nan",
)
BOOLEANS = (
    ("true", "false"),
    ("True", "False"),
    ("TRUE", "FALSE"),
    ("да", "нет"),
    ("Да", "Нет"),
    ("ДА", "НЕТ"),
    ("иә", "жоқ"),
    ("Иә", "Жоқ"),
    ("yes", "no"),
    ("Yes", "No"),
)
INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$"
COMMA = r"^-?(0|[1-9][0-9]*)(,[0-9]+)?$"
COMMA_OF_THREE = r"^-?[1-9][0-9]{0,2}(,[0-9]{3})?$"
GROUPED = r"^-?(0|[1-9][0-9]{0,2}(%s[0-9]{3})*)(%s[0-9]+)?$"
GROUPS = (" ", "\u00a0", "\u202f", "'", ",")
DATES = (
    (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "%Y-%m-%d"),
    (r"^[0-9]{2}\.[0-9]{2}\.[0-9]{4}$", "%d.%m.%Y"),
    (r"^[0-9]{4}\.[0-9]{2}\.[0-9]{2}$", "%Y.%m.%d"),
    (r"^[0-9]{4}/[0-9]{2}/[0-9]{2}$", "%Y/%m/%d"),
    (r"^[0-9]{2}-[0-9]{2}-[0-9]{4}$", "%d-%m-%Y"),
    (r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$", "%d/%m/%Y"),
)
MOMENTS = (
    (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?$", "default"),
    (r"^[0-9]{2}\.[0-9]{2}\.[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}$", "%d.%m.%Y %H:%M:%S"),
    (r"^[0-9]{2}\.[0-9]{2}\.[0-9]{4} [0-9]{2}:[0-9]{2}$", "%d.%m.%Y %H:%M"),
    (r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}$", "%Y-%m-%d %H:%M"),
)
ZONED = r"[0-9](Z|[+-][0-9]{2}:[0-9]{2})$"
ANY = Field.from_descriptor({"name": "any", "type": "any"})
TIMES = ((r"^[0-9]{2}:[0-9]{2}:[0-9]{2}$", "default"), (r"^[0-9]{1,2}:[0-9]{2}$", "%H:%M"))


@dataclass(frozen=True)
class Proposed:
    """A descriptor and how the file was read; or, when it cannot be read, None and the report that says why."""

    schema: Proposal | None
    report: Report


def propose(path: Path, limits: Limits | None = None) -> Proposed:
    """Propose a Table Schema (descriptor) for the table in the file."""
    try:
        cells = read(Path(path), (), limits)
    except Unreadable as refusal:
        return Proposed(None, Report(0, {refusal.code: 1}, (from_refusal(refusal),)))
    return Proposed(schema_for(cells), Report(cells.rows, {}, (), cells.reading))


def schema_for(cells: Cells) -> Proposal:
    """The descriptor of cells that are already read."""
    names = field_names(cells.labels)
    header = " ".join(cells.labels)
    texts = [_texts(column) for column in cells.columns]
    fields = [
        {"name": name} | _titles(label, header) | field_for(text, label)
        for name, label, text in zip(names, cells.labels, texts, strict=True)
    ]
    key = _key(names, cells.labels, texts)
    return {"fields": fields} | ({"primaryKey": [key]} if key else {})


def as_written(cells: Cells, schema: Proposal) -> Proposal:
    """A schema for the table, with the notation of each column that is written in one way throughout, so that this very table
    fits; a column in several notations stays as it was."""
    labelled = zip(field_names(cells.labels), cells.labels, cells.columns, strict=True)
    found = {name: field_for(_texts(column), label) for name, label, column in labelled}
    return schema | {"fields": [_noted(field, found.get(field["name"], {})) for field in schema["fields"]]}


def _noted(field: Proposal, found: Proposal) -> Proposal:
    if found.get("type") != field["type"]:
        return field
    return field | {name: value for name, value in found.items() if name not in ("type", "constraints")}


def _texts(column: pl.Series | list[object]) -> pl.Series:
    return column if isinstance(column, pl.Series) else as_text(column, ANY)


def _titles(label: str, header: str) -> Proposal:
    return {"title": label, "title_translated": {language_of(label, header): label}} if label else {}


def field_for(texts: pl.Series, label: str) -> Proposal:
    """Type, format and other properties of one column."""
    values = _distinct(texts)
    present = values.filter(~values.is_in(NOTHING)) if values.is_in(NOTHING).any() else values
    if not len(present):
        return {"type": "string"}
    found = _kind(present, label)
    if found["type"] != "string" and len(present) < len(values):
        markers = sorted(values.filter(values.is_in(NOTHING)).to_list())
        found = found | {"missingValues": ["", *markers]}
    return found


def _distinct(texts: pl.Series) -> pl.Series:
    """The values that are not empty, each once, in no order that means anything."""
    if is_short(texts):
        return pl.Series(list({text for text in texts.to_list() if text}), dtype=pl.String)
    present = texts.drop_nulls()
    return present.filter(present != "").unique()


def _kind(values: pl.Series, label: str) -> Proposal:
    for guess in (_code, _boolean, _year, _integer, _number, _moment, _nested):
        found = guess(values, label)
        if found is not None:
            return found
    return {"type": "string"}


def is_code(label: str) -> bool:
    """Whether a label says that its column holds codes."""
    return CODE_LABEL.search(label) is not None or CODE_NAME.search(label) is not None


def _code(values: pl.Series, label: str) -> Proposal | None:
    """Digits that are a name: with leading zeros, of twelve digits each (BIN, IIN), or labelled as a code."""
    labelled = is_code(label)
    if labelled and _all(values, r"^[0-9]+(\.0)?$") and values.str.ends_with(".0").any():
        return {"type": "string"}
    if not _all(values, "^[0-9]+$"):
        return None
    lengths = values.str.len_chars().unique()
    zeros = bool(values.str.contains("^0[0-9]").any())
    twelve = lengths.to_list() == [12]
    if not zeros and not twelve and not labelled:
        return None
    one_length = len(lengths) == 1 and lengths[0] > 1
    return {"type": "string"} | ({"constraints": {"pattern": rf"\d{{{lengths[0]}}}"}} if one_length else {})


def _boolean(values: pl.Series, label: str) -> Proposal | None:
    found = set(values.to_list()) if len(values) <= 2 else set()
    for true, false in BOOLEANS:
        if found == {true, false} or (true.lower() == "true" and found and found < {true, false}):
            return {"type": "boolean"} | ({} if true.lower() == "true" else {"trueValues": [true], "falseValues": [false]})
    return None


def _year(values: pl.Series, label: str) -> Proposal | None:
    if YEAR_LABEL.search(label) and _all(values, "^(19|20)[0-9]{2}$"):
        return {"type": "year"}
    return None


def _integer(values: pl.Series, label: str) -> Proposal | None:
    return {"type": "integer"} if _all(values, INTEGER) else None


def _number(values: pl.Series, label: str) -> Proposal | None:
    """Decimal point or comma, groups of three; nothing where a comma may be either."""
    if _all(values, NUMBER):
        return {"type": "number"}
    if _all(values, COMMA_OF_THREE):
        return None
    if _all(values, COMMA):
        return {"type": "number", "decimalChar": ","}
    for group in GROUPS:
        for point in (".", ","):
            if point != group and _all(values, GROUPED % (re.escape(group), re.escape(point))):
                return {"type": "number", "groupChar": group} | ({"decimalChar": ","} if point == "," else {})
    return None


def _moment(values: pl.Series, label: str) -> Proposal | None:
    """Dates, moments and times in one notation; nothing where days and months cannot be told apart."""
    for kind, shapes in (("date", DATES), ("datetime", MOMENTS), ("time", TIMES)):
        for pattern, form in shapes:
            if _all(values, pattern) and _real(values.to_list(), form) and not _either_way(values, form):
                if form == "default" and len(values.str.contains(ZONED).unique()) > 1:
                    return None  # moments with and without a zone cannot be compared
                default = form == "default" or (kind, form) == ("date", "%Y-%m-%d")
                return {"type": kind} | ({} if default else {"format": form})
    return None


def _real(values: Iterable[str], form: str) -> bool:
    """Whether each value is a day or time that exists (31.02 is none)."""
    try:
        for value in values:
            if form == "default" and "-" not in value[:8]:
                datetime.strptime(value, "%H:%M:%S")
            elif form == "default":
                datetime.fromisoformat(value)
            else:
                datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _either_way(values: pl.Series, form: str) -> bool:
    return form == "%d/%m/%Y" and _real(values.to_list(), "%m/%d/%Y")


def _nested(values: pl.Series, label: str) -> Proposal | None:
    if not _all(values, r"(?s)^\{.*\}$"):
        return None
    field = Field.from_descriptor({"name": "any", "type": "object"})
    read_value = field.create_value_reader()
    return {"type": "object"} if all(read_value(value) is not None for value in values.to_list()) else None


def _key(names: list[str], labels: Iterable[str], texts: list[pl.Series]) -> str | None:
    """The first column that is labelled as a number or code, complete, and never repeats."""
    for name, label, text in zip(names, labels, texts, strict=True):
        complete = len(text) > 1 and not text.is_null().any() and not (text == "").any()
        if KEY_LABEL.fullmatch(label.strip()) and complete and text.is_unique().all():
            return name
    return None

"""From the bytes of a delivery to cells: format by content, encoding, delimiter, header row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from ckanext.kzopen.validation.cells import Cells, Limits, Unreadable
from ckanext.kzopen.validation.delimited import read_delimited
from ckanext.kzopen.validation.encodings import detect
from ckanext.kzopen.validation.formats import unpacked
from ckanext.kzopen.validation.objects import read_json, read_parquet
from ckanext.kzopen.validation.workbooks import read_workbook


def read(path: Path, expected: Collection[str] = (), limits: Limits | None = None, encoding: str | None = None) -> Cells:
    """The header and cells of the table in the file; Unreadable, with the reason, when it is none.

    `expected` are the names and titles of the schema (`cells.normal`); they help to find header and sheet.
    `encoding` is what a person says it is, for a text file whose encoding cannot be told.
    """
    limits = limits or Limits()
    with unpacked(path, limits) as (file, kind, member):
        cells = _read(file, kind, expected, limits, encoding)
    return replace(cells, reading=replace(cells.reading, member=member)) if member else cells


def _read(path: Path, kind: str, expected: Collection[str], limits: Limits, encoding: str | None) -> Cells:
    match kind:
        case "xlsx" | "xls" | "ods":
            return read_workbook(path, kind, expected, limits)
        case "parquet":
            return read_parquet(path, limits)
        case "json":
            return _json_or_text(path, expected, limits)
    return read_delimited(path, _encoding(path, encoding), expected, limits)


def _encoding(path: Path, told: str | None) -> str:
    try:
        return detect(path)
    except Unreadable as refusal:
        if told is None or refusal.reason != "unknown":
            raise
        return told


def _json_or_text(path: Path, expected: Collection[str], limits: Limits) -> Cells:
    """A CSV whose first label begins with a bracket looks like JSON at first; it has a delimiter in its first line."""
    try:
        return read_json(path, limits)
    except Unreadable as refusal:
        if refusal.code != "format-error" or refusal.reason != "damaged":
            raise
        try:
            cells = read_delimited(path, detect(path), expected, limits)
        except Unreadable:
            raise refusal from None
        if any('"' in label or ":" in label for label in cells.labels) or len(cells.labels) < 2:
            raise
        return cells

"""Puts a messy table in order before it is sent, as a person would: only what a hint says, nothing guessed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from ckanext.kzopen.runtime.demo.inference import NotATable
from ckanext.kzopen.validation.cells import Unreadable
from ckanext.kzopen.validation.findings import from_refusal
from ckanext.kzopen.validation.native import as_text
from ckanext.kzopen.validation.reading import read
from ckanext.kzopen.validation.repairs.make import made
from ckanext.kzopen.validation.repairs.suggest import offered, table_without_schema
from frictionless.fields import AnyField


def prepared(path: Path, hint: Mapping[str, Any]) -> bytes:
    """The table as UTF-8 CSV with `header` or `labels` given and `drop_rows` (positions in the file) left out.

    Of the repairs that the portal offers for it, those whose kinds are in `repairs` are made first. Raises NotATable when the
    file cannot be read at all.
    """
    try:
        cells = read(path)
    except Unreadable as refusal:
        raise NotATable(from_refusal(refusal).sentence("en")) from refusal
    wanted = [repair for repair in offered(cells) if repair.kind in hint.get("repairs", []) and not repair.done]
    cells = made(table_without_schema(cells), wanted, ())
    columns = [c if isinstance(c, pl.Series) else as_text(c, AnyField(name="any")) for c in cells.columns]
    dropped = set(hint.get("drop_rows", []))
    rows = [row for number, row in zip(cells.numbers, zip(*columns, strict=True), strict=True) if number not in dropped]
    given = hint.get("labels", {})
    labels = [label or given.get(position, "") for position, label in enumerate(cells.labels, 1)]
    if "header" in hint:
        rows, labels = [tuple(labels), *rows], hint["header"]
    return _csv([labels, *rows])


def _csv(rows: list[Any]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()

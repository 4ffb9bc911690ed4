"""The same check by frictionless alone: slow, and right by definition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from ckanext.kzopen.validation.check import Checked
from ckanext.kzopen.validation.schema import PROFILE
from frictionless import Dialect, Schema
from frictionless.formats import CsvControl
from frictionless.resources import TableResource

Key = tuple[str, int | None, str | None, str, str]


def by_frictionless(path: Path, schema: dict[str, Any], delimiter: str = ",") -> Counter[Key]:
    """What `frictionless.validate` finds in a UTF-8 CSV whose first row is the header, columns in any order."""
    descriptor = {"$schema": PROFILE, "fieldsMatch": "equal"} | schema
    control = CsvControl(delimiter=delimiter, line_terminator="\n", quote_char='"', double_quote=True)
    control.skip_initial_space = False
    resource = TableResource(
        path=path.name,
        basepath=str(path.parent),
        format="csv",
        encoding="utf-8",
        schema=Schema.from_descriptor(descriptor),
        dialect=Dialect(controls=[control], header_rows=[1]),
    )
    with resource:
        errors = [*resource.header.errors, *(error for row in resource.row_stream for error in row.errors)]
    return Counter(
        (
            error.type,
            getattr(error, "row_number", None),
            getattr(error, "field_name", None) or None,
            error.message,
            error.note,
        )
        for error in errors
    )


def by_us(checked: Checked) -> Counter[Key]:
    """The same of our report, which must list everything for it."""
    report = checked.report
    assert len(report.findings) == report.errors
    assert Counter(finding.code for finding in report.findings) == Counter(report.counts)
    return Counter((found.code, found.row, found.field, found.message, found.note) for found in report.findings)

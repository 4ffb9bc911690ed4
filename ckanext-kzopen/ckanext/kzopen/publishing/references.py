"""Codes of a delivery that its reference tables do not know today."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from ckanext.kzopen.validation.check import Checked
    from ckanext.kzopen.validation.report import Finding, Report

LISTED = 1000


def unknown_codes(session: Session, files_url: str, schema: dict[str, Any], checked: Checked, at: date) -> Report | None:
    """The report of codes that are in no reference table, or not valid on the day; None when all are known.

    A reference to a table that the portal does not have is one finding of its own. Empty cells refer to nothing.
    """
    from ckanext.kzopen.rows import labels
    from ckanext.kzopen.validation.report import Report

    findings: list[Finding] = []
    number = 0
    for reference in labels.references(schema):
        rows = labels.rows_of(session, files_url, reference, at)
        known = None if rows is None else {str(row[reference.code]) for row in rows}
        found = _unknown(checked, reference, known)
        number += len(found)
        findings += found[: max(0, LISTED - len(findings))]
    if not number:
        return None
    return Report(checked.report.rows, {"foreign-key": number}, tuple(findings), checked.report.reading)


def _unknown(checked: Checked, reference: Any, known: set[str] | None) -> list[Finding]:
    from ckanext.kzopen.validation.report import Finding

    assert checked.table is not None  # noqa: S101 - refused before
    if known is None:
        note = f'"{reference.uri}"'
        return [Finding(code="foreign-key", message="no such reference table", field=reference.column, params={"note": note})]
    if reference.column not in checked.table.column_names:
        return []
    header = checked.report.reading.header_row if checked.report.reading else 1
    cells = checked.table[reference.column].to_pylist()
    return [
        Finding(
            code="foreign-key",
            message="the code is not in the reference table",
            row=header + place,
            field=reference.column,
            cell=str(cell),
            params={"note": f'"{cell}" ({reference.uri})'},
        )
        for place, cell in enumerate(cells, start=1)
        if cell is not None and str(cell) not in known
    ]

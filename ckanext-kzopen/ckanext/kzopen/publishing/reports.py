"""The stored report of a delivery, page by page, in the reader's language."""

from __future__ import annotations

import csv
import io
from typing import Any

from ckanext.kzopen.publishing.answers import ReportAnswer
from ckanext.kzopen.publishing.calls import FIRST_PAGE, LARGEST_PAGE
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import Site

__all__ = ["FIRST_PAGE", "LARGEST_PAGE", "as_csv", "in_words", "page"]

COLUMNS = ("row", "field", "cell", "code", "sentence")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


def page(site: Site, delivery: Delivery, offset: int, limit: int, language: str) -> ReportAnswer:
    """Findings `offset` to `offset + limit`; before the check is done the report is empty."""
    told = in_words(delivery, language)
    findings = told.pop("findings")
    after = offset + limit
    here = f"{site.delivery_address(delivery.id)}/report"
    following = f"{here}?offset={after}&limit={limit}" if after < len(findings) else None
    return ReportAnswer(delivery=str(delivery.id), offset=offset, findings=findings[offset:after], next=following, **told)


def as_csv(told: ReportAnswer) -> str:
    """A page of a report as CSV, one finding a line; what a spreadsheet would take for a formula begins with an apostrophe."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    for finding in told.findings:
        cells = ["" if finding[name] is None else str(finding[name]) for name in COLUMNS]
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return target.getvalue()


def in_words(delivery: Delivery, language: str) -> dict[str, Any]:
    """The whole report for a reader of `language`."""
    # Only readers of reports need the sentences and what they bring along.
    from ckanext.kzopen.validation.report import Report, restored

    report = restored(delivery.report) if delivery.report else Report(0, {}, ())
    return report.to_dict(language)

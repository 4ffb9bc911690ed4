"""The stored report of a delivery, page by page, in the reader's language."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import listings
from ckanext.kzopen.publishing.answers import ReportAnswer
from ckanext.kzopen.publishing.calls import FIRST_PAGE, LARGEST_PAGE
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import Site

if TYPE_CHECKING:
    from ckanext.kzopen.validation.report import Report

__all__ = ["FIRST_PAGE", "LARGEST_PAGE", "as_csv", "page"]

COLUMNS, CUT = ("row", "field", "cell", "code", "sentence"), "report-cut"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


def page(site: Site, delivery: Delivery, offset: int, limit: int, language: str) -> ReportAnswer:
    """Findings `offset` to `offset + limit`; before the check is done the report is empty.

    Raises KzError publishing.bytes_are_gone where the long list is just being deleted with the bytes.
    """
    # Only readers of reports need the sentences and what they bring along.
    from ckanext.kzopen.validation.report import Report, restored

    report = restored(delivery.report) if delivery.report else Report(0, {}, ())
    after, listed = offset + limit, _listed(delivery, report)
    here = f"{site.delivery_address(delivery.id)}/report"
    return ReportAnswer(
        delivery=str(delivery.id),
        offset=offset,
        next=f"{here}?offset={after}&limit={limit}" if after < listed else None,
        note=_note(delivery, listed, report.errors, language),
        **_with_findings(site, delivery, report, slice(offset, after), listed).to_dict(language) | {"listed": listed},
    )


def _listed(delivery: Delivery, report: Report) -> int:
    """How many findings can be read: those of the long list while it is kept, else those of the row."""
    own = len(report.findings)
    if delivery.bytes_deleted is not None:
        return own
    return int((delivery.report or {}).get("listed") or own)


def _with_findings(site: Site, delivery: Delivery, report: Report, wanted: slice, listed: int) -> Report:
    """The report with the findings of one page, from the row or from the long list, which a restored portal may lack."""
    own = report.findings[wanted]
    if wanted.stop <= len(report.findings) or listed <= len(report.findings):
        return replace(report, findings=own)
    try:
        found = listings.read(site.files_url, delivery.path, wanted.start, wanted.stop - wanted.start)
    except FileNotFoundError as gone:
        if not own:
            raise KzError("publishing.bytes_are_gone") from gone
        return replace(report, findings=own)
    return replace(report, findings=tuple(found) if len(found) > len(own) else own)


def _note(delivery: Delivery, listed: int, errors: int, language: str) -> str | None:
    """Why fewer findings can be read than there are errors, and what to do; None where all can be."""
    if listed >= errors:
        return None
    numbers = {"listed": listed, "errors": errors}
    if delivery.bytes_deleted is None:
        return KzError("publishing.report_cut", **numbers).text(language)
    day = delivery.bytes_deleted.astimezone(ASTANA).date()
    return KzError("publishing.report_shortened", **numbers, day=f"{day:%d.%m.%Y}").text(language)


def as_csv(told: ReportAnswer) -> str:
    """A page of a report as CSV, one finding a line; what a spreadsheet would take for a formula begins with an apostrophe.

    Where errors are left out, the last line of the last page says so, with the code CUT and nothing else but the sentence.
    """
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    for finding in told.findings:
        cells = ["" if finding[name] is None else str(finding[name]) for name in COLUMNS]
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    if told.note and told.next is None:
        writer.writerow(["", "", "", CUT, told.note])
    return target.getvalue()

"""The stored report of a delivery, page by page, in the reader's language."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.publishing.answers import ReportAnswer
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import Site

FIRST_PAGE = 100
LARGEST_PAGE = 1000


def page(site: Site, delivery: Delivery, offset: int, limit: int, language: str) -> ReportAnswer:
    """Findings `offset` to `offset + limit`; before the check is done the report is empty."""
    told = in_words(delivery, language)
    findings = told.pop("findings")
    after = offset + limit
    here = f"{site.delivery_address(delivery.id)}/report"
    following = f"{here}?offset={after}&limit={limit}" if after < len(findings) else None
    return ReportAnswer(delivery=str(delivery.id), offset=offset, findings=findings[offset:after], next=following, **told)


def in_words(delivery: Delivery, language: str) -> dict[str, Any]:
    """The whole report for a reader of `language`."""
    # Only readers of reports need the sentences and what they bring along.
    from ckanext.kzopen.validation.report import Report, restored

    report = restored(delivery.report) if delivery.report else Report(0, {}, ())
    return report.to_dict(language)

"""The one way in which a step of the publish path says no to the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

# frictionless stays out of the web processes.
if TYPE_CHECKING:
    from ckanext.kzopen.validation.report import Report


class Refused(Exception):
    """The delivery cannot become a version; `report` says why."""

    def __init__(self, report: Report) -> None:
        super().__init__("refused")
        self.report = report

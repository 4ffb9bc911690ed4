"""The periodic signing of heads."""

from __future__ import annotations

from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.record import portal

EVERY_30_SECONDS = "* * * * * */30"
"""Receipts promise a head within 60 seconds; half of it leaves time for a busy worker."""


@jobs.task("record.head", cron=EVERY_30_SECONDS, retry=jobs.NO_RETRY)
def sign_head() -> None:
    """Sign the head of the log when leaves came since the last one."""
    portal.sign_head()

"""What the record does by the clock: seals of the event log, signed heads, and the deletion of events that are past."""

from __future__ import annotations

from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.record import portal

EVERY_30_SECONDS = "* * * * * */30"
"""Receipts promise a head within 60 seconds; half of it leaves time for a busy worker."""
AT_NIGHT = "20 22 * * *"
"""In UTC: 03:20 in Astana."""


@jobs.task("record.head", cron=EVERY_30_SECONDS, retry=jobs.NO_RETRY)
def sign_head() -> None:
    """Seal new events, then sign the head of the log when leaves came since the last one."""
    portal.seal_events()
    portal.sign_head()


@jobs.task("record.keep", cron=AT_NIGHT, retry=jobs.NO_RETRY)
def delete_past_events() -> None:
    """Delete the events whose time is past by `schemas/keeping.yaml`, and nothing else."""
    portal.delete_past_events()

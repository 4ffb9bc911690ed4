"""The jobs of notices: news from the outbox every ten seconds, digests every morning."""

from __future__ import annotations

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.notices import digest, reading, subscriptions

EVERY_TEN_SECONDS = "* * * * * */10"
AT_EIGHT_IN_ASTANA = "0 3 * * *"
"""Three o'clock in UTC, by which the worker's clock goes."""


@jobs.task("notices.read", cron=EVERY_TEN_SECONDS, retry=jobs.NO_RETRY)
def read() -> None:
    """Tell of what has happened."""
    reading.read(model.Session)


@jobs.task("notices.digest", cron=AT_EIGHT_IN_ASTANA)
def send_digests() -> None:
    """Compose and queue the day's digests; a run that died goes on where it stopped."""
    digest.compose_all(model.Session)


@jobs.task("notices.tidy", cron="41 2 * * *", retry=jobs.NO_RETRY)
def tidy() -> None:
    """Forget subscriptions that nobody confirmed, and old news."""
    subscriptions.tidy(model.Session)
    model.Session.commit()

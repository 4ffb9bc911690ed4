"""The jobs that send mail: at once after a mail was queued, every minute for what waits for another try."""

from __future__ import annotations

import logging

from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.mail import portal, sending
from ckanext.kzopen.core.mail.queue import SEND

log = logging.getLogger(__name__)


@jobs.task(SEND, cron="* * * * *", retry=jobs.NO_RETRY)
def send() -> None:
    """Send what is due; nothing while no mail server is set. A long queue is sent in pieces, other jobs between them."""
    office = portal.office()
    if office is None:
        return
    done = sending.send_due(model.Session, office, portal.sender())
    if done.closed:
        log.warning("mails wait: %s", done.closed)
    if done.more:
        jobs.defer(model.Session, SEND, lock=SEND)
        model.Session.commit()


@jobs.task("mail.forget", cron="17 3 * * *", retry=jobs.NO_RETRY)
def forget() -> None:
    """Delete what became of mails long ago."""
    sending.forget_old(model.Session)

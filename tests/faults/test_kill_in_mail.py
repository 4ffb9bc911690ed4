"""kill -9 of who sends the mail, at random moments: no mail goes out twice, none is lost unseen.

The named stops of sending are in `tests/core/mail/test_killed.py`, which `./kzopen test faults` runs too.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from ckanext.kzopen.core.mail.office import Office
from ckanext.kzopen.core.mail.sending import send_due
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.mail.conftest import SENDER, Received, office, server, start_server
from tests.faults.stopping import Work, start

__all__ = ["office", "server", "start_server"]

pytestmark = pytest.mark.fault
MAILS = 20
LONGEST_LIFE = 0.1
"""Seconds from the first mail of a life on; some ten mails."""
QUEUE = text(
    """
    INSERT INTO kzopen.mail (template, recipient, language, subject, text)
    SELECT 'core.plain', :moment || '-' || n || '@example.org', 'en', 'Hello', 'A text.'
    FROM generate_series(1, :count - (SELECT count(*) FROM kzopen.mail WHERE state = 'queued')) AS n
    """
)
SOONER = text("UPDATE kzopen.mail SET next_try = now() WHERE state = 'queued'")
"""A mail whose connection broke before its text waits a minute; the test does not."""
STATES = text("SELECT recipient, state FROM kzopen.mail")


@pytest.mark.timeout(300)
def test_no_mail_goes_out_twice_whenever_its_sender_dies(
    work: Work,
    server: Received,
    office: Office,
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    moments = int(os.environ.get("KZOPEN_FAULT_MOMENTS", "10"))
    print(f"seed {seed}, {moments} moments")
    choice = random.Random(seed)
    for moment in range(moments):
        queue(work, moment)
        before = len(server.envelopes)
        child = start(tmp_path / "said", lambda _say: send_for_ever(work, office))
        wait_until(lambda before=before: len(server.envelopes) > before)
        time.sleep(choice.uniform(0, LONGEST_LIFE))
        child.kill()
        assert child.wait() == -signal.SIGKILL
    states = send_the_rest(work, office)
    received = Counter(address for envelope in server.envelopes for address in envelope.rcpt_tos)
    assert {address: count for address, count in received.items() if count > 1} == {}
    assert set(states.values()) <= {"sent", "sending"}
    assert {address for address, state in states.items() if state == "sent"} <= set(received)
    assert sum(state == "sending" for state in states.values()) <= moments, "more in doubt than there were deaths"


def queue(work: Work, moment: int) -> None:
    """Fill the queue up, so that each life has enough to send."""
    with Session(work.engine()) as session:
        session.execute(QUEUE, {"moment": str(moment), "count": MAILS})
        session.commit()


def send_for_ever(work: Work, office: Office) -> None:
    with Session(work.engine()) as session:
        while True:
            send_due(session, office, SENDER)


def send_the_rest(work: Work, office: Office) -> dict[str, str]:
    """The state of each mail, by its address, once nothing waits any more."""
    states: dict[str, str] = {}

    def nothing_waits() -> bool:
        with Session(work.engine()) as session:
            session.execute(SOONER)
            send_due(session, office, SENDER)
            states.update((row.recipient, row.state) for row in session.execute(STATES))
        return "queued" not in states.values()

    wait_until(nothing_waits)
    return states


def wait_until(holds: Callable[..., bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until, "nothing happened for 60 s"
        time.sleep(0.005)

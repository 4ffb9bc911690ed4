"""What Prometheus is told of mail: how much waits and since when, what is in doubt, what was given up."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core.mail import upkeep
from ckanext.kzopen.core.mail.metrics import figures
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.mail.test_queue import queue
from tests.scraping import Told, rows_of, told


@pytest.fixture(autouse=True)
def _nothing_waits(session: Session) -> None:
    """Mails that others have queued are no matter of these tests."""
    session.execute(text("DELETE FROM kzopen.mail"))


def figures_of(session: Session) -> Told:
    return told(figures(rows_of(session)))


def becomes(session: Session, number: int, change: str) -> None:
    session.execute(text(f"UPDATE kzopen.mail SET {change} WHERE id = {number}"))


def test_nothing_waits_in_an_empty_queue(session: Session) -> None:
    assert set(figures_of(session).values()) == {0}
    assert len(figures_of(session)) == 6


def test_the_oldest_mail_that_was_never_tried_is_told(session: Session) -> None:
    becomes(session, queue(session), "created = now() - interval '2 hours'")
    queue(session)
    found = figures_of(session)
    assert found["kzopen_mails_waiting", "no"] == 2
    assert found["kzopen_mails_oldest_waiting_seconds", "no"] == pytest.approx(7200, abs=60)
    assert found["kzopen_mails_waiting", "yes"] == 0


def test_a_mail_that_its_recipient_s_server_puts_off_is_told_apart(session: Session) -> None:
    becomes(session, queue(session), "tries = 3, created = now() - interval '1 day'")
    found = figures_of(session)
    assert found["kzopen_mails_oldest_waiting_seconds", "yes"] == pytest.approx(86400, abs=60)
    assert found["kzopen_mails_oldest_waiting_seconds", "no"] == 0


def test_a_mail_in_doubt_and_one_that_was_given_up_are_counted(session: Session) -> None:
    number = queue(session)
    becomes(session, number, "state = 'sending', changed = now() - interval '11 minutes'")
    found = figures_of(session)
    assert (found["kzopen_mails_in_doubt",], found["kzopen_mails_given_up",]) == (1, 0)
    upkeep.give_up(session, [number])
    found = figures_of(session)
    assert (found["kzopen_mails_in_doubt",], found["kzopen_mails_given_up",]) == (0, 1)
    assert found["kzopen_mails_waiting", "no"] == 0

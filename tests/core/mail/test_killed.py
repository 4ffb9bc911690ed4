"""A worker killed with -9 at any named stop of sending: no mail twice, none lost unseen."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from multiprocessing import get_context
from uuid import uuid4

import ckan.plugins.toolkit as tk
import pytest
from ckanext.kzopen.core.mail import upkeep
from ckanext.kzopen.core.mail.office import Office
from ckanext.kzopen.core.mail.sending import send_due
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.core.mail.conftest import SENDER, Received
from tests.core.mail.die import POINTS, send_and_die
from tests.core.mail.test_queue import queue

NOT_YET_GIVEN = ("connected", "mail locked", "envelope told")


@pytest.fixture
def address() -> str:
    return f"{uuid4().hex}@example.org"


@pytest.fixture
def committed(engine: Engine, address: str) -> Iterator[int]:
    """A queued mail that other processes see; nothing else is due."""
    with Session(engine) as session, session.begin():
        session.execute(text("UPDATE kzopen.mail SET next_try = now() + interval '1 hour' WHERE state = 'queued'"))
        number = queue(session, to=address)
    yield number
    with Session(engine) as session, session.begin():
        session.execute(text("DELETE FROM kzopen.mail WHERE id = :id"), {"id": number})


def killed_at(point: str, port: int) -> None:
    process = get_context("fork").Process(target=send_and_die, args=(tk.config["sqlalchemy.url"], port, point))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


def send_until_free(session: Session, office: Office, number: int) -> str:
    """Send what is due; PostgreSQL takes a moment to see that the dead process holds no lock any more. The mail's state."""
    until = time.monotonic() + 10
    while True:
        send_due(session, office, SENDER)
        state = str(session.execute(text("SELECT state FROM kzopen.mail WHERE id = :id"), {"id": number}).scalar_one())
        if state != "queued" or time.monotonic() > until:
            return state
        time.sleep(0.05)


@pytest.mark.parametrize("point", POINTS)
def test_no_mail_goes_out_twice_and_none_is_lost_unseen(
    engine: Engine, server: Received, office: Office, committed: int, address: str, point: str
) -> None:
    killed_at(point, server.port)
    with Session(engine) as session:
        state = send_until_free(session, office, committed)
        long_ago = "UPDATE kzopen.mail SET changed = now() - interval '11 minutes' WHERE id = :id"
        session.execute(text(long_ago), {"id": committed})
        doubtful = [one.id for one in upkeep.in_doubt(session)]
        session.rollback()
    received = len(server.to(address))
    if point in NOT_YET_GIVEN or point == "written down":
        assert (received, state, doubtful) == (1, "sent", [])
    else:
        assert received == (0 if point == "marked as sending" else 1)
        assert (state, doubtful) == ("sending", [committed])


@pytest.mark.usefixtures("only_ours")
def test_an_operator_may_have_a_mail_in_doubt_sent_again_or_given_up(
    engine: Engine, session: Session, server: Received, office: Office
) -> None:
    first, second, young = queue(session), queue(session), queue(session)
    sending = "UPDATE kzopen.mail SET state = 'sending', changed = now() - make_interval(mins => {}) WHERE id = {}"
    for number, minutes in ((first, 11), (second, 11), (young, 9)):
        session.execute(text(sending.format(minutes, number)))
    assert [one.id for one in upkeep.in_doubt(session) if one.id >= first] == [first, second]
    assert upkeep.send_again(session, [first, young]) == [first]
    assert upkeep.give_up(session, [second, young]) == [second]
    send_due(session, office, SENDER)
    assert len(server.messages) == 1
    states = session.execute(text("SELECT id, state, text FROM kzopen.mail WHERE id = ANY (:ids)"), {"ids": [first, second]})
    assert sorted(tuple(row) for row in states) == [(first, "sent", None), (second, "given_up", None)]

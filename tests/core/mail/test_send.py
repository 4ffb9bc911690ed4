"""From the queue to a real mail server."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.office import Office
from ckanext.kzopen.core.mail.sending import LONGEST_WAIT, TIMES, send_due, wait_after
from ckanext.kzopen.core.mail.tables import Mail
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.core.mail.conftest import SENDER, Received
from tests.core.mail.test_queue import queue

pytestmark = pytest.mark.usefixtures("only_ours")
UNSUBSCRIBE = "https://data.example.kz/kk/notices/unsubscribe/" + "a" * 120


def row(session: Session, number: int) -> Mail:
    return session.get_one(Mail, number, populate_existing=True)


def due_again(session: Session) -> None:
    session.execute(text("UPDATE kzopen.mail SET next_try = now() WHERE created = now()"))


def test_a_mail_arrives_with_its_headers_and_both_parts(session: Session, server: Received, office: Office) -> None:
    values = {"subject": "Жаңа нұсқа: Мектептер", "text": "Сәлем!\n.\nhttps://data.example.kz/a?b=1&c=2."}
    number = queue(session, values=values, language="kk", unsubscribe=UNSUBSCRIBE)
    key = row(session, number).key
    assert send_due(session, office, SENDER).taken == 1
    [message] = server.messages
    assert server.envelopes[0].mail_from == SENDER.address
    assert message["Message-ID"] == f"<{key.hex}@data.example.kz>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"].split() == [f"<{UNSUBSCRIBE}>"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Date"]
    plain, html = (part.get_payload(decode=True).decode() for part in message.get_payload())
    assert plain.replace("\r\n", "\n") == values["text"] + "\n"
    assert '<a href="https://data.example.kz/a?b=1&amp;c=2">' in html
    assert '<html lang="kk">' in html


def test_text_and_subject_are_erased_when_the_mail_is_sent(session: Session, server: Received, office: Office) -> None:
    number = queue(session)
    send_due(session, office, SENDER)
    sent = row(session, number)
    assert (sent.state, sent.subject, sent.text, sent.error) == ("sent", None, None, "250 taken")


def test_what_is_sent_is_not_sent_again(session: Session, server: Received, office: Office) -> None:
    queue(session)
    send_due(session, office, SENDER)
    due_again(session)
    assert send_due(session, office, SENDER).taken == 0
    assert len(server.messages) == 1


def test_mails_that_somebody_waits_for_go_before_digests(session: Session, server: Received, office: Office) -> None:
    queue(session, to="digest@example.org", unsubscribe=UNSUBSCRIBE)
    queue(session, to="confirm@example.org")
    send_due(session, office, SENDER)
    assert [message["To"] for message in server.messages] == ["confirm@example.org", "digest@example.org"]


def test_a_refusal_for_now_is_tried_again_later_and_not_for_ever(session: Session, server: Received, office: Office) -> None:
    number = queue(session, to="later@example.org")
    send_due(session, office, SENDER)
    waiting = row(session, number)
    assert (waiting.state, waiting.tries, waiting.error) == ("queued", 1, "451 4.3.0 try again")
    assert send_due(session, office, SENDER).taken == 0
    session.execute(
        text("UPDATE kzopen.mail SET next_try = now(), tries = :tries WHERE created = now()"), {"tries": TIMES - 1}
    )
    send_due(session, office, SENDER)
    assert row(session, number).state == "given_up"
    assert row(session, number).text is None


def test_waits_grow_up_to_four_hours() -> None:
    assert [wait_after(tries) for tries in range(6)] == [60, 240, 960, 3840, 14400, 14400]
    assert wait_after(TIMES) == LONGEST_WAIT


@pytest.mark.parametrize(
    ("address", "dead"),
    [("nobody@example.org", True), ("full@example.org", False), ("policy@example.org", False)],
)
def test_a_refusal_for_good_marks_the_address_only_when_nobody_has_it(
    session: Session, server: Received, office: Office, address: str, dead: bool
) -> None:
    number = queue(session, to=address)
    other = queue(session, to="aigul@example.org")
    send_due(session, office, SENDER)
    assert (row(session, number).state, row(session, other).state) == ("refused", "sent")
    assert mail.is_dead(session, address.upper()) == dead


def test_a_dead_address_gets_no_notices_but_may_be_confirmed_again(session: Session, server: Received, office: Office) -> None:
    queue(session, to="nobody@example.org")
    send_due(session, office, SENDER)
    digest = queue(session, to="Nobody@example.org", unsubscribe=UNSUBSCRIBE)
    send_due(session, office, SENDER)
    assert (row(session, digest).state, row(session, digest).error) == ("stopped", "the address takes no mail")
    mail.revive(session, "nobody@EXAMPLE.org")
    again = queue(session, to="nobody@example.org", unsubscribe=UNSUBSCRIBE)
    send_due(session, office, SENDER)
    assert row(session, again).state == "refused"


def test_a_server_that_does_not_answer_costs_no_try(session: Session) -> None:
    number = queue(session)
    done = send_due(session, Office("127.0.0.1", 1, "none"), SENDER)
    assert "refused" in done.closed.lower()
    waiting = row(session, number)
    assert (waiting.state, waiting.tries) == ("queued", 0)
    assert "127.0.0.1:1" in (waiting.error or "")


def test_a_text_that_is_refused_is_known_not_to_be_delivered(session: Session, server: Received, office: Office) -> None:
    number = queue(session)
    server.answer = "452 4.3.1 no room"
    send_due(session, office, SENDER)
    assert row(session, number).state == "queued"
    server.answer = "250 taken"
    due_again(session)
    send_due(session, office, SENDER)
    assert row(session, number).state == "sent"
    assert len(server.messages) == 1


def test_a_connection_that_breaks_before_the_answer_leaves_the_mail_in_doubt(
    session: Session, server: Received, office: Office
) -> None:
    number = queue(session)
    server.answer = None
    send_due(session, office, SENDER)
    server.answer = "250 taken"
    due_again(session)
    send_due(session, office, SENDER)
    doubtful = row(session, number)
    assert (doubtful.state, doubtful.text) == ("sending", "A text.\n")
    assert "no answer after the text" in (doubtful.error or "")
    assert len(server.messages) == 1


def test_one_connection_carries_many_mails(session: Session, server: Received, office: Office) -> None:
    for n in range(20):
        queue(session, to=f"reader-{n}@example.org")
    assert send_due(session, office, SENDER).taken == 20
    assert len({id(one) for one in server.sessions}) == 1


def test_a_long_queue_is_sent_in_pieces(session: Session, server: Received, office: Office) -> None:
    queue(session)
    queue(session)
    assert send_due(session, office, SENDER, seconds=0) == send_due(session, office, SENDER, seconds=0)
    assert len(server.messages) == 2

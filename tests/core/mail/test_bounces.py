"""Reports that come back mark an address only when they speak of a mail of ours to that address, for good."""

from __future__ import annotations

import mailbox
from email.message import Message
from pathlib import Path

import pytest
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.bounces import reports_in, take
from ckanext.kzopen.core.mail.messages import message_id
from ckanext.kzopen.core.mail.tables import Mail
from ckanext.kzopen.runtime.mail import messages_of
from sqlalchemy.orm import Session

from tests.core.mail.test_queue import queue

REPORT = """\
From: MAILER-DAEMON@mx.example.org
To: portal@data.example.kz
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

{words}

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such
 mailbox

--b
Content-Type: {form}

Message-ID: {key}
Subject: Hello

--b--
"""


def report(session: Session, number: int, **given: str) -> bytes:
    row = session.get_one(Mail, number)
    values = {
        "words": "I could not deliver it.",
        "recipient": row.recipient,
        "action": "failed",
        "status": "5.1.1",
        "form": "text/rfc822-headers",
        "key": message_id(row.key, "data.example.kz"),
    }
    return REPORT.format(**(values | given)).encode()


@pytest.mark.parametrize("form", ["text/rfc822-headers", "message/rfc822"])
def test_a_permanent_failure_marks_the_address(session: Session, form: str) -> None:
    number = queue(session, to="Gone@example.org")
    assert take(session, report(session, number, form=form)) == ["Gone@example.org"]
    assert mail.is_dead(session, "gone@example.org")


@pytest.mark.parametrize(
    "given",
    [
        {"action": "delayed", "status": "4.4.1"},
        {"status": "5.2.2"},
        {"status": "5.7.1"},
        {"recipient": "other@example.org"},
        {"key": "<0123456789abcdef0123456789abcdef@data.example.kz>"},
        {"key": "<somebody@else.example>"},
    ],
    ids=["a delay", "a full box", "a policy", "another address", "a mail that was never sent", "a mail of others"],
)
def test_other_reports_mark_nothing(session: Session, given: dict[str, str]) -> None:
    number = queue(session, to="gone@example.org")
    assert take(session, report(session, number, **given)) == []
    assert not mail.is_dead(session, "gone@example.org")
    assert not mail.is_dead(session, "other@example.org")


@pytest.mark.parametrize(
    "raw", [b"", b"Subject: hello\n\nIt failed: 550 5.1.1", b"\xff\xfe\x00", b"Content-Type: multipart/report\n\n"]
)
def test_what_is_no_report_says_nothing(raw: bytes) -> None:
    assert reports_in(raw) == []


def test_a_file_is_one_message_or_an_mbox(session: Session, tmp_path: Path) -> None:
    number = queue(session)
    raw = report(session, number)
    single, many = tmp_path / "report.eml", tmp_path / "mbox"
    single.write_bytes(raw)
    box = mailbox.mbox(many)
    box.add(raw)
    box.add(Message())
    box.close()
    assert [len(reports_in(one)) for path in (single, many) for one in messages_of(path)] == [1, 1, 0]

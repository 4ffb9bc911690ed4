"""What is put into the queue, and when it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jinja2
import pytest
from ckanext.kzopen.core import mail
from ckanext.kzopen.core.mail.office import Office
from ckanext.kzopen.core.mail.sending import forget_old, send_due
from ckanext.kzopen.core.mail.tables import Mail
from ckanext.kzopen.core.web import KzError
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tests.core.mail.conftest import SENDER, Received

pytestmark = pytest.mark.usefixtures("only_ours")
VALUES = {"subject": "Hello", "text": "A text."}


def queue(session: Session, to: str = "aigul@example.org", **given: object) -> int:
    wanted = {"template": "core.plain", "to": to, "language": "ru", "values": VALUES} | given
    return mail.queue(session, **wanted)  # type: ignore[arg-type]


def test_a_mail_is_a_row_and_a_job_of_the_callers_transaction(session: Session) -> None:
    number = queue(session, person="user-1")
    row = session.get_one(Mail, number)
    assert (row.state, row.recipient, row.person, row.subject, row.text) == (
        "queued",
        "aigul@example.org",
        "user-1",
        "Hello",
        "A text.\n",
    )
    jobs = "SELECT count(*) FROM kzopen.procrastinate_jobs WHERE task_name = 'mail.send' AND lock = 'mail.send'"
    assert session.execute(text(jobs)).scalar_one() >= 1


def test_a_transaction_that_is_rolled_back_sends_nothing(session: Session) -> None:
    before = session.scalar(select(func.count()).select_from(Mail))
    with session.begin_nested() as inner:
        queue(session)
        inner.rollback()
    assert session.scalar(select(func.count()).select_from(Mail)) == before


def test_one_key_makes_one_mail(session: Session) -> None:
    first = queue(session, once="notice 1 of user 1")
    assert queue(session, once="notice 1 of user 1") == first
    assert queue(session, once="notice 2 of user 1") != first


def test_a_value_that_the_template_asks_for_may_not_be_missing(session: Session) -> None:
    with pytest.raises(jinja2.UndefinedError, match="subject"):
        queue(session, values={"text": "A text."})


@pytest.mark.parametrize(
    "address",
    [
        "",
        "aigul",
        "@example.org",
        "aigul@",
        "aigul@localhost",
        "aigul@example.org\nBcc: all@example.org",
        "aigul@example.org,bota@example.org",
        "Aigul <aigul@example.org>",
        "ai gul@example.org",
        "әйгүл@example.org",
        "aigul@[192.0.2.1]",
        "aigul@exa_mple.org",
        "a..b@example.org",
        f"{'a' * 65}@example.org",
        f"a@{'a.' * 130}org",
    ],
)
def test_what_is_no_address_is_refused(session: Session, address: str) -> None:
    with pytest.raises(KzError) as raised:
        queue(session, to=address)
    assert raised.value.code == "mail.bad_address"


def test_a_domain_in_kazakh_letters_is_told_as_dns_knows_it() -> None:
    assert mail.checked(" info@пошта.қаз ") == "info@xn--80a1acn3a.xn--80ao21a"
    assert mail.checked("O'Neil+list@Example.ORG") == "O'Neil+list@example.org"


def test_a_withdrawn_thing_takes_its_unsent_mails_along(session: Session, server: Received, office: Office) -> None:
    about, other = queue(session, about=("dataset:1",)), queue(session, to="b@example.org", about=("dataset:2",))
    assert mail.withdraw(session, ["dataset:1", "dataset:3"], "order 5") == [about]
    send_due(session, office, SENDER)
    assert [message["To"] for message in server.messages] == ["b@example.org"]
    row = session.get_one(Mail, about, populate_existing=True)
    assert (row.state, row.text, row.subject, row.error) == ("stopped", None, None, "order 5")
    assert session.get_one(Mail, other, populate_existing=True).state == "sent"


def test_a_mail_that_is_out_of_date_is_not_sent(session: Session, server: Received, office: Office) -> None:
    number = queue(session, until=datetime.now(UTC) - timedelta(minutes=1))
    send_due(session, office, SENDER)
    assert server.messages == []
    assert session.get_one(Mail, number, populate_existing=True).error == "out of date"


def test_what_became_of_mails_is_forgotten_after_ninety_days(session: Session) -> None:
    old, young = queue(session), queue(session)
    done = "UPDATE kzopen.mail SET state = 'sent', text = NULL, changed = now() - make_interval(days => {}) WHERE id = {}"
    session.execute(text(done.format(91, old)))
    session.execute(text(done.format(89, young)))
    waiting = queue(session)
    forget_old(session)
    assert set(session.scalars(select(Mail.id).where(Mail.id.in_([old, young, waiting])))) == {young, waiting}

"""Sending what is due: one mail after the other over one connection, each with commits of its own.

A mail is locked while the envelope is told; `sending` is committed before the server gets the text, `sent` after it took it.
Whoever dies in between leaves a mail *in doubt*, which is never sent again without an operator's word.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from smtplib import SMTP
from typing import Any

from ckanext.kzopen.core.mail.bounces import mark
from ckanext.kzopen.core.mail.messages import Outgoing, Sender, as_sent, message_of
from ckanext.kzopen.core.mail.office import Fate, Office, OfficeClosed, Outcome, hand_over, opened
from ckanext.kzopen.core.mail.queue import AnySession
from sqlalchemy import text

FIRST_WAIT, LONGEST_WAIT = 60, 4 * 3600
TIMES = 20
"""With these waits a mail is given up after two and a half days."""
PATIENCE = "10 minutes"
"""A mail that has been `sending` for longer is in doubt; each step of an exchange may take a minute."""
KEPT_DAYS = 90
"""How long it is remembered what became of a mail, and its `once`."""

_STOP = text(
    """
    UPDATE kzopen.mail m SET state = 'stopped', subject = NULL, text = NULL, changed = now(),
        error = CASE WHEN until < now() THEN 'out of date' ELSE 'the address takes no mail' END
    WHERE state = 'queued' AND next_try <= now() AND (until < now() OR (unsubscribe IS NOT NULL AND EXISTS (
        SELECT FROM kzopen.dead_address d WHERE d.address = lower(m.recipient))))
    """
)
_NEXT = text(
    """
    SELECT id, key, recipient, language, subject, text, created, unsubscribe, tries FROM kzopen.mail
    WHERE state = 'queued' AND next_try <= now()
    ORDER BY unsubscribe IS NOT NULL, next_try, id LIMIT 1 FOR UPDATE SKIP LOCKED
    """
)
_SENDING = text("UPDATE kzopen.mail SET state = 'sending', changed = clock_timestamp() WHERE id = :id")
_LATER = text(
    """
    UPDATE kzopen.mail SET state = 'queued', tries = tries + :tried, error = :words, changed = clock_timestamp(),
        next_try = clock_timestamp() + make_interval(secs => :wait)
    WHERE id = :id
    """
)
_DONE = text(
    """
    UPDATE kzopen.mail SET state = :state, subject = NULL, text = NULL, tries = tries + 1, error = :words,
        changed = clock_timestamp()
    WHERE id = :id
    """
)
_DOUBT = text("UPDATE kzopen.mail SET error = :words WHERE id = :id")
_FORGET = text(
    """
    DELETE FROM kzopen.mail WHERE state NOT IN ('queued', 'sending') AND changed < now() - make_interval(days => :days)
    """
)


@dataclass(frozen=True)
class Round:
    """What one run did: how many mails it took, whether it stopped at its limit, and why the office was closed, if it was."""

    taken: int
    more: bool
    closed: str = ""


def send_due(session: AnySession, office: Office, sender: Sender, seconds: float = 20.0) -> Round:
    """Send what is due for at most about `seconds`; the connection is opened when there is something to send."""
    until, taken = time.monotonic() + seconds, 0
    session.execute(_STOP)
    session.commit()
    with ExitStack() as stack:
        server: SMTP | None = None
        while (row := session.execute(_NEXT).first()) is not None:
            try:
                server = server or stack.enter_context(opened(office))
                _send(session, server, row, sender)
            except OfficeClosed as error:
                _settle_later(session, row, str(error), tried=0)
                return Round(taken, more=False, closed=str(error))
            taken += 1
            if time.monotonic() > until:
                return Round(taken, more=True)
        session.commit()
    return Round(taken, more=False)


def _send(session: AnySession, server: SMTP, row: Any, sender: Sender) -> None:
    mail = Outgoing(row.key, row.recipient, row.language, row.subject, row.text, row.created, row.unsubscribe)
    body = as_sent(message_of(mail, sender))

    def at_the_brink() -> None:
        session.execute(_SENDING, {"id": row.id})
        session.commit()

    settle(session, row, hand_over(server, sender.address, row.recipient, body, at_the_brink))


def settle(session: AnySession, row: Any, outcome: Outcome) -> None:
    """Write down what became of a mail, and commit."""
    if outcome.fate is Fate.IN_DOUBT:
        session.execute(_DOUBT, {"id": row.id, "words": outcome.words})
    elif outcome.fate is Fate.LATER and row.tries + 1 < TIMES:
        _settle_later(session, row, outcome.words, tried=1)
    else:
        state = {Fate.SENT: "sent", Fate.LATER: "given_up"}.get(outcome.fate, "refused")
        session.execute(_DONE, {"id": row.id, "state": state, "words": outcome.words})
        if outcome.fate is Fate.DEAD_ADDRESS:
            mark(session, row.recipient, outcome.words)
    session.commit()


def _settle_later(session: AnySession, row: Any, words: str, tried: int) -> None:
    """A closed office is nobody's fault and does not count as a try."""
    wait = wait_after(row.tries) if tried else FIRST_WAIT
    session.execute(_LATER, {"id": row.id, "words": words, "tried": tried, "wait": wait})
    session.commit()


def wait_after(tries: int) -> int:
    """Seconds before the next try: a minute, then four times as long each time, four hours at most."""
    return int(min(LONGEST_WAIT, FIRST_WAIT * 4 ** min(tries, 10)))


def forget_old(session: AnySession) -> int:
    """Delete what became of mails long ago; returns how many."""
    gone = int(session.execute(_FORGET, {"days": KEPT_DAYS}).rowcount)  # type: ignore[attr-defined]
    session.commit()
    return gone

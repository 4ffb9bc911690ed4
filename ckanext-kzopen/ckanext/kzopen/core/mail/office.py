"""The post office that mails are handed to: from `smtp_url` to a connection, and what became of each mail.

`smtps://` is TLS from the first byte. `smtp://` asks for STARTTLS and refuses a server that does not offer it, unless the
server is this machine itself, or `?tls=none` says so and no password is given. The certificate is checked against the name.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qs, unquote, urlsplit

SECONDS = 60.0
"""How long each step of the exchange may take."""
LONGEST_REPLY = 500
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


@dataclass(frozen=True)
class Office:
    """Where mails are handed over; `tls` is `start`, `implicit`, `offered` (used where there is one) or `none`."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = ""
    ca: str = ""

    def __repr__(self) -> str:
        return f"Office({self.host}:{self.port}, {self.tls})"


class Fate(Enum):
    """What became of a mail that was handed over."""

    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    DEAD_ADDRESS = "dead_address"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True)
class Outcome:
    """The fate of one mail and the server's words."""

    fate: Fate
    words: str


class OfficeClosed(Exception):
    """No mail can be handed over now: no connection, a certificate that is not to be trusted, a login that was refused."""


def office_of(url: str, ca: str = "") -> Office | None:
    """The office of a setting; None when mails are not to be sent."""
    if not url:
        return None
    parts = urlsplit(url)
    host, user = parts.hostname or "localhost", unquote(parts.username or "")
    if parts.scheme == "smtps":
        tls = "implicit"
    elif parse_qs(parts.query).get("tls") == ["none"]:
        tls = "none"
    else:
        tls = "offered" if not user and host in ("localhost", "127.0.0.1", "::1") else "start"
    port = parts.port or {"implicit": 465, "start": 587 if user else 25}.get(tls, 25)
    return Office(host, port, tls, user, unquote(parts.password or ""), ca)


@contextmanager
def opened(office: Office) -> Iterator[smtplib.SMTP]:
    """A connection, logged in; raises OfficeClosed with a sentence for the operator."""
    try:
        server = _connected(office)
    except (OSError, smtplib.SMTPException) as error:
        raise OfficeClosed(f"{office.host}:{office.port}: {_words_of(error)}") from error
    try:
        yield server
    finally:
        server.close()


def _connected(office: Office) -> smtplib.SMTP:
    trusted = ssl.create_default_context(cafile=office.ca or None)
    trusted.minimum_version = ssl.TLSVersion.TLSv1_2
    if office.tls == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(office.host, office.port, timeout=SECONDS, context=trusted)
    else:
        server = smtplib.SMTP(office.host, office.port, timeout=SECONDS)
    try:
        server.ehlo_or_helo_if_needed()
        if office.tls == "start" or (office.tls == "offered" and server.has_extn("starttls")):
            server.starttls(context=trusted)
            server.ehlo()
        _log_in(server, office)
    except BaseException:
        server.close()
        raise
    return server


def _log_in(server: smtplib.SMTP, office: Office) -> None:
    if not office.user:
        return
    if office.tls == "none":
        raise smtplib.SMTPException("a password is not sent without TLS; take ?tls=none out of smtp_url")
    server.login(office.user, office.password)


def hand_over(server: smtplib.SMTP, sender: str, recipient: str, body: bytes, at_the_brink: Callable[[], None]) -> Outcome:
    """Hand one message over (`body` with CRLF). `at_the_brink` is called when the server is ready for the text.

    Without the final dot a server delivers nothing (RFC 5321, 4.1.1.4), so what breaks before it may be tried again; what
    breaks between the dot and the answer is in doubt. Raises OfficeClosed when the connection broke before the dot.
    """
    try:
        refusal = _envelope(server, sender, recipient)
        if refusal is not None:
            server.rset()
            return refusal
        at_the_brink()
        server.send(_LEADING_DOT.sub(b"..", body) + b".\r\n")
    except smtplib.SMTPException as error:
        raise OfficeClosed(_words_of(error)) from error
    try:
        code, reply = server.getreply()
    except smtplib.SMTPException as error:
        return Outcome(Fate.IN_DOUBT, f"no answer after the text: {_words_of(error)}")
    return _answered(code, reply)


def _envelope(server: smtplib.SMTP, sender: str, recipient: str) -> Outcome | None:
    """MAIL, RCPT and DATA; what stands against one of them."""
    code, reply = server.mail(sender)
    if code == 250:
        code, reply = server.rcpt(recipient)
        if code not in (250, 251):
            return _refused(code, reply, of_address=True)
        code, reply = server.docmd("data")
    return None if code == 354 else _refused(code, reply, of_address=False)


def _answered(code: int, reply: bytes) -> Outcome:
    """What the answer to the whole text means; one that is not a number between 200 and 599 leaves it in doubt."""
    if 200 <= code < 300:
        return Outcome(Fate.SENT, _told(code, reply))
    if 400 <= code < 600:
        return _refused(code, reply, of_address=False)
    return Outcome(Fate.IN_DOUBT, _told(code, reply))


def _refused(code: int, reply: bytes, *, of_address: bool) -> Outcome:
    """5xx is for good, all else for now; the address itself is dead when the server says that nobody has it."""
    if code == 421:
        raise OfficeClosed(_told(code, reply))
    if not 500 <= code < 600:
        return Outcome(Fate.LATER, _told(code, reply))
    fate = Fate.DEAD_ADDRESS if of_address and is_dead_status(code, _enhanced(reply)) else Fate.REFUSED
    return Outcome(fate, _told(code, reply))


def is_dead_status(code: int, status: str) -> bool:
    """Whether a permanent refusal speaks of the address, not of a policy or a full box.

    RFC 3463: 5.1.x is about the address, 5.2.1 a box that takes no mail. Without such a status the code must say it.
    """
    if status:
        return status.startswith("5.1.") or status == "5.2.1"
    return code in (550, 551, 553)


def _enhanced(reply: bytes) -> str:
    found = _STATUS.match(reply.decode("ascii", "replace"))
    return found.group() if found else ""


def _told(code: int, reply: bytes) -> str:
    return " ".join(f"{code} {reply.decode('utf-8', 'replace')}".split())[:LONGEST_REPLY]


def _words_of(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return _told(error.smtp_code, reply if isinstance(reply, bytes) else str(reply).encode())
    return str(error)[:LONGEST_REPLY] or type(error).__name__

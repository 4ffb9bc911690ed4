"""A real mail server on this machine, with TLS by a certificate authority of the tests."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from ckanext.kzopen.core.mail.messages import Sender
from ckanext.kzopen.core.mail.office import Office, office_of
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.authority import Authority, authority_in

SENDER = Sender("portal@data.example.kz", "Ашық деректер порталы")
USER, PASSWORD = "sender", "walnut-harbour-velvet"
REFUSALS = {
    "nobody@example.org": "550 5.1.1 no such mailbox",
    "full@example.org": "552 5.2.2 mailbox full",
    "policy@example.org": "550 5.7.1 not from you",
    "later@example.org": "451 4.3.0 try again",
}


@dataclass
class Received:
    """What the server took, and how it behaves: `answer` is its word after the text; `None` breaks the connection."""

    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Any] = field(default_factory=list)
    answer: str | None = "250 taken"
    port: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        if address in REFUSALS:
            return REFUSALS[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.answer is None or self.answer.startswith("2"):
            self.envelopes.append(envelope)
            self.sessions.append(session)
        if self.answer is None:
            server.transport.abort()
        return self.answer or "421 broken"

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(bytes(envelope.content or b"")) for envelope in self.envelopes]

    def to(self, address: str) -> list[Message]:
        return [message for message in self.messages if message["To"] == address]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def only_ours(session: Session) -> None:
    """Mails that others have queued are not due in this test, and until its end nobody else queues one."""
    session.execute(text("LOCK TABLE kzopen.mail IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(text("UPDATE kzopen.mail SET next_try = 'infinity' WHERE state = 'queued'"))


StartServer = Callable[..., Received]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start a mail server; options are aiosmtpd's. All are ended after the test."""
    running: list[Controller] = []

    def start(**options: Any) -> Received:
        received = Received(port=free_port())
        controller = Controller(received, hostname="127.0.0.1", port=received.port, **options)
        controller.start()
        running.append(controller)
        return received

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def server(start_server: StartServer) -> Received:
    """A mail server without TLS, as one on the portal's own machine may be."""
    return start_server()


@pytest.fixture
def office(server: Received) -> Office:
    found = office_of(server.url)
    assert found is not None
    return found


def log_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword) -> AuthResult:
    """aiosmtpd's authenticator: one user, one password."""
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return authority_in(tmp_path)

"""TLS and login with a real mail server; what is not to be trusted gets no mail and no password."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core.mail.office import Office, office_of
from ckanext.kzopen.core.mail.sending import Round, send_due
from sqlalchemy.orm import Session

from tests.authority import Authority
from tests.core.mail.conftest import PASSWORD, SENDER, USER, Received, StartServer, log_in
from tests.core.mail.test_queue import queue

pytestmark = pytest.mark.usefixtures("only_ours")


def sent(session: Session, server: Received, scheme: str = "smtp", ca: str = "", login: str = "", query: str = "") -> Round:
    found = office_of(f"{scheme}://{login}127.0.0.1:{server.port}{query}", ca)
    assert found is not None
    queue(session)
    return send_due(session, found, SENDER)


LOGIN = f"{USER}:{PASSWORD}@"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.kz", Office("mail.example.kz", 25, "start")),
        ("smtp://a:p%40ss@mail.example.kz", Office("mail.example.kz", 587, "start", "a", "p@ss")),
        ("smtps://mail.example.kz", Office("mail.example.kz", 465, "implicit")),
        ("smtp://localhost:2525", Office("localhost", 2525, "offered")),
        ("smtp://a:b@localhost:2525", Office("localhost", 2525, "start", "a", "b")),
        ("smtp://relay.local:25?tls=none", Office("relay.local", 25, "none")),
        ("", None),
    ],
)
def test_an_address_says_how_the_server_is_spoken_to(url: str, expected: Office | None) -> None:
    assert office_of(url) == expected


def test_a_password_is_not_shown_in_logs() -> None:
    assert PASSWORD not in repr(office_of(f"smtp://{LOGIN}mail.example.kz"))


def test_starttls_with_a_certificate_of_a_trusted_authority(
    session: Session, start_server: StartServer, authority: Authority
) -> None:
    server = start_server(tls_context=authority.context("127.0.0.1"), require_starttls=True)
    assert sent(session, server, ca=authority.file).closed == ""
    assert len(server.messages) == 1
    assert server.sessions[0].ssl is not None


def test_tls_from_the_first_byte(session: Session, start_server: StartServer, authority: Authority) -> None:
    server = start_server(ssl_context=authority.context("127.0.0.1"))
    assert sent(session, server, "smtps", ca=authority.file).closed == ""
    assert len(server.messages) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_an_unknown_authority_is_refused(
    session: Session, start_server: StartServer, authority: Authority, scheme: str
) -> None:
    context = authority.context("127.0.0.1")
    server = start_server(**({"tls_context": context} if scheme == "smtp" else {"ssl_context": context}))
    done = sent(session, server, scheme)
    assert "certificate verify failed" in done.closed
    assert server.messages == []


def test_a_certificate_for_another_name_is_refused(session: Session, start_server: StartServer, authority: Authority) -> None:
    server = start_server(tls_context=authority.context("mail.example.kz"), require_starttls=True)
    assert "certificate verify failed" in sent(session, server, ca=authority.file).closed
    assert server.messages == []


def test_a_server_without_tls_gets_no_password(session: Session, start_server: StartServer) -> None:
    options = {"authenticator": log_in, "auth_require_tls": False}
    assert "STARTTLS" in sent(session, start_server(**options), login=LOGIN).closed
    assert "without TLS" in sent(session, start_server(**options), login=LOGIN, query="?tls=none").closed


def test_login(session: Session, start_server: StartServer, authority: Authority) -> None:
    options = {"tls_context": authority.context("127.0.0.1"), "authenticator": log_in, "auth_required": True}
    server = start_server(**options)
    assert "535" in sent(session, server, ca=authority.file, login="sender:wrong@").closed
    session.rollback()
    assert sent(session, start_server(**options), ca=authority.file, login=LOGIN).closed == ""

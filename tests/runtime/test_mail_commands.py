"""`./kzopen mail …` as an operator types it, on a running portal with a real mail server."""

from __future__ import annotations

from ckanext.kzopen.runtime.command import main
from click.testing import CliRunner

from tests.conftest import LivePortal
from tests.core.mail.conftest import Received, StartServer, start_server

__all__ = ["start_server"]


def kzopen(*words: str, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["mail", *words], env=environment)
    return done.exit_code, done.output


def test_a_template_is_shown_in_a_language() -> None:
    code, told = kzopen("preview", "core.test", "--language", "ru")
    assert (code, told.splitlines()[0]) == (0, "Почта работает")
    assert "core.test" in kzopen("preview")[1].splitlines()
    assert "there is no mail template core.none" in kzopen("preview", "core.none")[1]


def test_the_way_to_the_mail_server_can_be_tried(live_portal: LivePortal, start_server: StartServer) -> None:
    server: Received = start_server()
    data = ("--data", str(live_portal.data))
    assert "no mail server is set" in kzopen("test", "operator@example.org", *data)[1]
    assert kzopen("test", "operator@example.org", *data, KZOPEN_SMTP_URL=server.url) == (0, "250 taken\n")
    assert len(server.to("operator@example.org")) == 1
    code, told = kzopen("test", "nobody@example.org", *data, KZOPEN_SMTP_URL=server.url)
    assert (code, told) == (1, "550 5.1.1 no such mailbox\n")


def test_the_queue_is_listed_and_nothing_is_in_doubt(live_portal: LivePortal) -> None:
    data = ("--data", str(live_portal.data))
    assert kzopen("list", *data)[0] == 0
    assert kzopen("resend", "--all", *data) == (0, "0 would be queued again; --commit does it\n")

"""Every digest carries the newest head of the public record out of the portal; with it the verifier knows another record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.mail.office import Office
from ckanext.kzopen.core.mail.sending import send_due
from ckanext.kzopen.core.notices import digest
from ckanext.kzopen.core.record import heads, keys, portal
from sqlalchemy import text
from sqlalchemy.orm import Session

from api_clients.verifier import kzopen_verifier as verifier
from tests.core.mail.conftest import SENDER, Received, office, server, start_server
from tests.core.notices.conftest import Follow, person, tell
from tests.core.notices.test_digest import only_ours

__all__ = ["office", "only_ours", "server", "start_server"]

WORDS = {"kk": "Ашық журналдың", "ru": "публичного журнала", "en": "public record"}
Get = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _context() -> Iterator[None]:
    """The verifier's requests have contexts of their own."""
    yield
    model.Session.remove()


@pytest.fixture
def mailed(
    app: CKANTestApp, session: Session, follow: Follow, server: Received, office: Office, private: object, only_ours: None
) -> dict[str, Any]:
    """The text of a digest that a mail server got, by the language of its reader."""
    readers = {language: f"reader-{language}@example.org" for language in WORDS}
    with app.flask_app.test_request_context():
        portal.sign_head()
        for language, address in readers.items():
            follow(person(session, address.partition("@")[0]), "section", "papers", "daily", language)
        tell(session, section="papers")
        digest.compose_all(session)
        session.execute(text("UPDATE kzopen.mail SET next_try = 'infinity' WHERE state = 'queued' AND created <> now()"))
        send_due(session, office, SENDER)
    return {language: server.to(address)[0].get_payload()[0] for language, address in readers.items()}


def head_in(plain: Any) -> Any:
    [line] = [line for line in plain.get_payload(decode=True).decode().splitlines() if line.startswith("{")]
    return json.loads(line)


@pytest.fixture
def get(app: CKANTestApp) -> Get:
    """What the portal answers to the verifier."""

    def answer(address: str) -> Any:
        given = app.test_client().get(address, base_url="http://localhost/")
        if given.status_code != 200:
            raise LookupError(address)
        return given.get_json()

    return answer


def watching(tmp_path: Path, get: Get) -> verifier.Watch:
    return verifier.Watch("http://localhost", str(tmp_path / "heads.json"), None, get)


@pytest.mark.parametrize("language", sorted(WORDS))
def test_the_verifier_accepts_the_head_of_a_mail(mailed: dict[str, Any], get: Get, tmp_path: Path, language: str) -> None:
    assert WORDS[language] in mailed[language].get_payload(decode=True).decode()
    head = head_in(mailed[language])
    assert sorted(head) == ["at", "key", "root", "signature", "size", "type"]
    [(code, told)] = watching(tmp_path, get).look([head])
    assert (code, told["size"] >= head["size"]) == ("continues", True)


def test_with_the_head_of_a_mail_another_log_is_found(mailed: dict[str, Any], get: Get, tmp_path: Path) -> None:
    head = head_in(mailed["ru"])
    other = {"type": heads.TYPE, "size": head["size"], "root": "0" * 64}
    forged = keys.sign(model.Session, portal.portal_ring(), other)
    watch = watching(tmp_path, lambda address: forged if address == "/record/head.json" else get(address))
    with pytest.raises(verifier.Wrong) as caught:
        watch.look([head])
    assert caught.value.code == "apart"
    assert watch.kept["apart"] == [[head, forged]]


def test_a_head_that_somebody_changed_in_the_mail_is_not_taken(mailed: dict[str, Any], get: Get, tmp_path: Path) -> None:
    head = head_in(mailed["ru"]) | {"root": "0" * 64}
    with pytest.raises(verifier.Wrong) as caught:
        watching(tmp_path, get).look([head])
    assert caught.value.code == "wrong_signature"


def test_the_head_is_read_once_however_many_batches_there_are(
    app: CKANTestApp, session: Session, follow: Follow, private: object, only_ours: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(digest.heads, "latest", lambda _session: asked.append(1))
    for _ in range(2):
        follow(person(session), "section", "papers")
    with app.flask_app.test_request_context():
        tell(session, section="papers")
        assert digest.compose_all(session) == 2
    assert len(asked) == 1

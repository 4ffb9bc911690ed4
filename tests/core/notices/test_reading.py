"""Many messages are told in one transaction, and one that cannot be told keeps no other from it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from ckan import model
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import Telling, reading, subscriptions
from ckanext.kzopen.core.outbox import Message
from sqlalchemy import event, text

from tests.core.notices.conftest import KIND, values

pytestmark = pytest.mark.usefixtures("private")

TOPIC = "paper.changed"
BAD = "bad"
_FORGET_MESSAGES = text("DELETE FROM kzopen.outbox WHERE topic = :topic")
_MAILS = text("SELECT count(*) FROM kzopen.mail WHERE recipient = :to")


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Messages of one topic under a name of its own, so that no worker takes them; those of papers called BAD fail."""
    mark = f"paper-{uuid4().hex[:8]}"

    def tells(session: AnySession, message: Message) -> list[Telling]:
        if message.key.endswith(BAD):
            session.execute(text("SELECT 1 / 0"))
        return [Telling(KIND, f"paper:{message.key}", values(), agency=None)]

    monkeypatch.setattr(reading, "CONSUMER", mark)
    monkeypatch.setattr(reading, "_topics", {TOPIC: tells})
    monkeypatch.setattr(reading.searches, "look", lambda _session: 0)
    model.Session.execute(_FORGET_MESSAGES, {"topic": TOPIC})
    outbox.register(model.Session, outbox.Consumer(mark, frozenset({TOPIC})))
    model.Session.commit()
    yield mark
    model.Session.rollback()
    outbox.forget(model.Session, mark)
    model.Session.execute(_FORGET_MESSAGES, {"topic": TOPIC})
    for table, column, like in (
        ("mail", "recipient", f"{mark}@%"),
        ("notice", "reader", f"{mark}@%"),
        ("subscription", "reader", f"{mark}@%"),
        ("news", "about", f"paper:{mark}%"),
    ):
        model.Session.execute(text(f"DELETE FROM kzopen.{table} WHERE {column} LIKE :like"), {"like": like})
    model.Session.commit()


def happened(mark: str, *names: str) -> None:
    outbox.emit_many(model.Session, TOPIC, [f"{mark}-{name}" for name in names])
    model.Session.commit()


def news(mark: str) -> list[str]:
    """The papers that there are news of, each as often as there are."""
    wanted = text("SELECT about FROM kzopen.news WHERE about LIKE :about ORDER BY id")
    return [about.rpartition("-")[2] for about in model.Session.execute(wanted, {"about": f"paper:{mark}%"}).scalars()]


def left(mark: str) -> list[str]:
    return [message.key.rpartition("-")[2] for message in outbox.take(model.Session, mark)]


def test_many_are_told_in_one_transaction(mark: str) -> None:
    commits: list[object] = []
    happened(mark, *map(str, range(reading.AT_ONCE)))
    note = commits.append
    event.listen(model.Session, "after_commit", note)
    try:
        assert reading.read(model.Session) == reading.AT_ONCE
    finally:
        event.remove(model.Session, "after_commit", note)
    assert len(commits) == 2, "one that makes the name known, one for all messages"
    assert news(mark) == list(map(str, range(reading.AT_ONCE)))
    assert left(mark) == []


def test_what_takes_long_is_ended_in_between(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[object] = []
    note = commits.append
    happened(mark, "1", "2", "3")
    monkeypatch.setattr(reading, "LONGEST", -1.0)
    event.listen(model.Session, "after_commit", note)
    try:
        assert reading.read(model.Session) == 3
    finally:
        event.remove(model.Session, "after_commit", note)
    assert len(commits) == 1 + 3
    assert news(mark) == ["1", "2", "3"]


def test_one_that_cannot_be_told_is_left_and_all_others_are_told_and_mailed_once(mark: str) -> None:
    reader = f"{mark}@example.org"
    subscriptions._follow(model.Session, reader, "kind", KIND, "at_once", "ru", confirmed=True)
    happened(mark, "1", "2", BAD, "3")
    assert reading.read(model.Session) == 3
    assert news(mark) == ["1", "2", "3"]
    assert model.Session.scalar(_MAILS, {"to": reader}) == 3
    assert left(mark) == [BAD]
    model.Session.rollback()
    assert reading.read(model.Session) == 0
    assert news(mark) == ["1", "2", "3"]
    assert model.Session.scalar(_MAILS, {"to": reader}) == 3


@pytest.mark.parametrize("how", ["has told it", "is telling it"])
def test_what_somebody_else_tells_meanwhile_is_not_told_again(mark: str, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    happened(mark, "1", BAD)
    again = reading._still_there
    with model.meta.engine.connect() as other:

        def taken(session: AnySession, message: Message) -> list[Message]:
            if message.key.endswith("-1") and not other.in_transaction():
                assert [one.id for one in outbox.take(other, mark, limit=1)] == [message.id]
                if how == "has told it":
                    outbox.acknowledge(other, mark, [message.id])
                    other.commit()
            return again(session, message)

        monkeypatch.setattr(reading, "_still_there", taken)
        assert reading.read(model.Session) == 0
        assert news(mark) == []
        other.rollback()
    assert left(mark) == ([BAD] if how == "has told it" else ["1", BAD])

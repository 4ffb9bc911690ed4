"""The one way in which anything changes its state."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from ckanext.kzopen.core import states
from ckanext.kzopen.core.law.states import SYSTEM
from ckanext.kzopen.core.record import as_dict, events
from ckanext.kzopen.core.web import KzError
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.core.conftest import Letter, everyone

change = partial(states.change, allowed=everyone)
AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


@pytest.fixture
def letter(session: Session, letters: type[Letter]) -> Letter:
    row = letters(text="hello")
    states.begin(session, "letter", row, "user-1", at=AT)
    return row


def outbox(session: Session, letter: Letter) -> list[tuple[str, dict[str, Any]]]:
    query = text("SELECT topic, payload FROM kzopen.outbox WHERE key = :key AND topic LIKE 'letter.%' ORDER BY id")
    return [(row.topic, row.payload) for row in session.execute(query, {"key": letter.id})]


def told(session: Session, letter: Letter) -> list[dict[str, Any]]:
    written = [as_dict(event) for event in events(session, kind="letter", object_id=letter.id)]
    return [{name: event[name] for name in ("verb", "actor", "old", "new", "reason")} for event in written]


def code_of(session: Session, letter: Letter, transition: str, **more: Any) -> str:
    with pytest.raises(KzError) as caught:
        change(session, "letter", letter, transition, "user-2", **more)
    return caught.value.code


def test_a_new_row_begins_in_the_first_state(session: Session, letter: Letter) -> None:
    assert letter.state == "received"
    assert told(session, letter) == [
        {"verb": "create", "actor": "user-1", "old": None, "new": {"state": "received"}, "reason": None}
    ]
    assert [topic for topic, _payload in outbox(session, letter)] == ["letter.create"]


def test_a_change_sets_state_and_fields_writes_the_event_and_tells_the_outbox(session: Session, letter: Letter) -> None:
    done = change(session, "letter", letter, "answer", "user-2", at=AT, reason="it is due", text="reply", copies=2)
    assert (letter.state, letter.text, letter.copies) == ("answered", "reply", 2)
    assert (done.old, done.new, done.at) == ("received", "answered", AT)
    assert told(session, letter)[1] == {
        "verb": "answer",
        "actor": "user-2",
        "old": {"state": "received", "text": "hello", "copies": None},
        "new": {"state": "answered", "text": "reply", "copies": 2},
        "reason": "it is due",
    }
    assert outbox(session, letter)[1] == (
        "letter.answer",
        {"from": "received", "to": "answered", "event": done.event, "notify": ["author"]},
    )


STATES = ("received", "answered", "closed")
POSSIBLE = {("received", "answer"), ("received", "close"), ("answered", "close"), ("received", "expire")}


@pytest.mark.parametrize("transition", ["answer", "close", "expire"])
@pytest.mark.parametrize("state", STATES)
def test_a_transition_starts_from_its_states_only(session: Session, letter: Letter, state: str, transition: str) -> None:
    letter.state = state
    if (state, transition) in POSSIBLE:
        change(session, "letter", letter, transition, "user-2", reason="why", text="reply")
        assert letter.state == states.machine_of("letter").transitions[transition].to
    else:
        assert code_of(session, letter, transition, reason="why", text="reply") == "states.wrong_state"
        assert letter.state == state


def test_an_unknown_transition_is_refused(session: Session, letter: Letter) -> None:
    assert code_of(session, letter, "burn") == "states.unknown_transition"


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_reason_that_is_required_must_be_given(session: Session, letter: Letter, reason: str | None) -> None:
    assert code_of(session, letter, "close", reason=reason) == "states.field_required"


def test_a_required_field_that_the_row_has_already_need_not_be_given(session: Session, letter: Letter) -> None:
    change(session, "letter", letter, "answer", "user-2")
    assert (letter.state, letter.text) == ("answered", "hello")


def test_a_guard_stops_the_change_with_its_own_words(session: Session, letter: Letter) -> None:
    assert code_of(session, letter, "answer", text="reply", copies=4) == "web.too_large"
    assert (letter.state, letter.text, letter.copies) == ("received", "hello", None)


def test_an_actor_without_the_right_is_refused(session: Session, letter: Letter) -> None:
    assert code_of(session, letter, "close", reason="why", allowed=lambda _actor, right, _row: right != "letters.close") == (
        "web.not_allowed"
    )


def test_what_the_machine_does_itself_needs_no_right(session: Session, letter: Letter) -> None:
    change(session, "letter", letter, "expire", SYSTEM, allowed=lambda *_: False)
    assert letter.state == "closed"


def test_a_field_that_the_row_does_not_have_is_a_fault_of_the_program(session: Session, letter: Letter) -> None:
    with pytest.raises(AttributeError):
        change(session, "letter", letter, "answer", "user-2", colour="red")


def test_people_are_offered_what_they_may_do(letter: Letter) -> None:
    assert states.possible("letter", letter, "user-2", everyone) == ["answer", "close"]
    assert states.possible("letter", letter, "user-2", lambda _actor, right, _row: right == "letters.close") == ["close"]


def test_nothing_remains_of_a_change_that_is_rolled_back(engine: Engine, committed_letter: str) -> None:
    with Session(engine) as session:
        row = session.get_one(Letter, committed_letter)
        change(session, "letter", row, "answer", "user-2")
        session.rollback()
    with Session(engine) as session:
        row = session.get_one(Letter, committed_letter)
        assert row.state == "received"
        assert [event["verb"] for event in told(session, row)] == ["create"]
        assert [topic for topic, _payload in outbox(session, row)] == ["letter.create"]


def test_of_two_changes_at_once_one_wins_and_the_other_sees_it(engine: Engine, committed_letter: str) -> None:
    """Both sessions have read `received`; the second waits for the row and then finds it answered."""
    codes: list[str] = []
    with Session(engine) as first, Session(engine) as second:
        row, same = first.get_one(Letter, committed_letter), second.get_one(Letter, committed_letter)
        change(first, "letter", row, "answer", "user-1")

        def answer_too() -> None:
            try:
                change(second, "letter", same, "answer", "user-2")
            except KzError as error:
                codes.append(error.code)

        waiting = threading.Thread(target=answer_too)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        first.commit()
        waiting.join(10)
    assert codes == ["states.wrong_state"]


def test_the_locked_row_can_still_be_referred_to(engine: Engine, committed_letter: str) -> None:
    """A running change must not hold up inserts of rows with a foreign key to its own."""
    with Session(engine) as changing, Session(engine) as referring:
        change(changing, "letter", changing.get_one(Letter, committed_letter), "answer", "user-1")
        referring.execute(text("SET LOCAL lock_timeout = '1s'"))
        query = text("SELECT id FROM kzopen.test_letter WHERE id = :id FOR KEY SHARE")
        assert referring.scalar(query, {"id": committed_letter}) == committed_letter

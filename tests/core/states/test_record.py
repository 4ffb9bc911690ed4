"""A change that is part of the public record is a leaf of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core import states
from ckanext.kzopen.core.record import Leaf
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.core.conftest import Letter

AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def leaves(session: Session, letter: Letter) -> list[tuple[datetime, dict[str, Any] | None]]:
    query = select(Leaf).where(Leaf.kind == "letter", Leaf.object_id == letter.id)
    return [(leaf.at, leaf.record) for leaf in session.scalars(query)]


def test_a_transition_with_record_yes_is_a_leaf_and_others_are_none(session: Session, letters: type[Letter]) -> None:
    letter = letters(text="hello")
    begun = states.begin(session, "letter", letter, "user-1", at=AT)
    answered = states.change(
        session, "letter", letter, "answer", "user-2", at=AT, reason="it is due", text="x" * 1001, copies=2
    )
    closed = states.change(session, "letter", letter, "close", "user-2", reason="done")
    assert begun.leaf is None
    assert closed.leaf is None
    assert answered.leaf == session.scalars(select(Leaf.id).where(Leaf.object_id == letter.id)).one()
    told = {
        "transition": "answer",
        "from": "received",
        "to": "answered",
        "fields": {"text": "sha256:ddd4cef8e3bb2222b00985217368c7e3e2c5e7750b09a721d27b14ba5b0033cb", "copies": 2},
        "actor": "user-2",
        "reason": "it is due",
        "event": answered.event,
    }
    assert leaves(session, letter) == [(AT, told)]

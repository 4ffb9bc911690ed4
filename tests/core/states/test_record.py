"""A change that is part of the public record is a leaf of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from ckanext.kzopen.core import states
from ckanext.kzopen.core.record import Leaf
from ckanext.kzopen.core.web import KzError
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.core.conftest import Letter, everyone

AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def leaves(session: Session, letter: Letter) -> list[tuple[datetime, dict[str, Any] | None]]:
    query = select(Leaf).where(Leaf.kind == "letter", Leaf.object_id == letter.id)
    return [(leaf.at, leaf.record) for leaf in session.scalars(query)]


def test_a_transition_with_record_yes_is_a_leaf_and_others_are_none(session: Session, letters: type[Letter]) -> None:
    letter = letters(text="hello")
    begun = states.begin(session, "letter", letter, "user-1", at=AT)
    change = partial(states.change, session, "letter", letter, allowed=everyone)
    answered = change("answer", "user-2", at=AT, reason="it is due", text="x" * 1001, copies=2)
    closed = change("close", "user-2", reason="done")
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


def test_a_beginning_with_record_yes_is_a_leaf_that_tells_of_the_new_object(session: Session, letters: type[Letter]) -> None:
    with begun_by("begin: {record: yes, notify: [author]}"):
        letter = letters(text="hello")
        begun = states.begin(session, "letter", letter, "user-1", at=AT, text="hello")
    told = {"transition": "create", "from": None, "to": "received", "fields": {"text": "hello"}}
    assert leaves(session, letter) == [(AT, told | {"actor": "user-1", "reason": None, "event": begun.event})]
    assert begun.leaf is not None


def test_a_beginning_needs_the_right_that_the_yaml_names(session: Session, letters: type[Letter]) -> None:
    with begun_by("begin: {by: letters.write}"):
        with pytest.raises(KzError) as caught:
            states.begin(session, "letter", letters(text="hello"), "user-1", allowed=lambda *_: False)
        states.begin(
            session, "letter", letters(text="hello"), "user-1", allowed=lambda _a, right, _r: right == "letters.write"
        )
    assert caught.value.code == "web.not_allowed"


@contextmanager
def begun_by(line: str) -> Iterator[None]:
    """The machine of letters with this line."""
    plain = Path(__file__).parents[1] / "letter.yaml"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "letter.yaml"
        path.write_text(plain.read_text().replace("initial: received\n", f"initial: received\n{line}\n"))
        states.register(path)
    try:
        yield
    finally:
        states.register(plain)

"""kill -9 between every two statements of a change of state, and at random moments: all of it is there, or nothing.

The seed is printed; `KZOPEN_FAULT_SEED` repeats a run, `KZOPEN_FAULT_MOMENTS` is how many (10; `./kzopen test faults`: 100).
"""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ckanext.kzopen.core import states
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from tests.core.conftest import Letter
from tests.faults.invariants import broken
from tests.faults.stopping import Child, Stops, Work, answer_one, start, write_and_answer

pytestmark = pytest.mark.fault
LONGEST_LIFE = 0.1
"""Seconds from the first receipt on; some ten changes."""


def new_letter(work: Work) -> str:
    with Session(work.engine()) as session:
        letter = Letter(text="hello")
        states.begin(session, "letter", letter, "user-1")
        session.commit()
        return letter.id


def what_is_broken(work: Work, receipts: list[dict[str, Any]]) -> list[str]:
    url = make_url(work.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        return broken(connection, receipts)


def names_of_stops(work: Work) -> list[str]:
    """One change that nobody stops, for the names."""
    stops = Stops()
    answer_one(work, new_letter(work), stops, lambda _receipt: None)
    return stops.names


def killed_at(work: Work, stop: int, output: Path) -> list[str]:
    """What is broken after a death before that statement."""
    number = new_letter(work)
    child = start(output, lambda say: answer_one(work, number, Stops(stop), say))
    assert child.wait() == -signal.SIGKILL
    return what_is_broken(work, child.said())


def wait_for_work(child: Child) -> None:
    """Wait for the first receipt: a busy machine takes its time to start a process."""
    until = time.monotonic() + 30
    while not child.said():
        assert time.monotonic() < until, "no receipt within 30 s"
        time.sleep(0.002)


STOPS = [
    *("SELECT kzopen.test_letter", "SELECT kzopen.test_letter", "UPDATE kzopen.test_letter", "INSERT INTO kzopen.event"),
    *("INSERT INTO kzopen.leaf", "INSERT INTO kzopen.outbox", "COMMIT"),
]
"""The statements of the change itself; those of the receipt follow."""


def test_a_death_between_any_two_statements_leaves_all_or_nothing(work: Work, tmp_path: Path) -> None:
    names = names_of_stops(work)
    assert names[: len(STOPS)] == STOPS
    found = {f"{stop} {name}": killed_at(work, stop, tmp_path / f"{stop}.jsonl") for stop, name in enumerate(names)}
    assert {stop: sentences for stop, sentences in found.items() if sentences} == {}


def test_a_change_in_more_than_one_transaction_would_be_found(work: Work, tmp_path: Path) -> None:
    """Each statement committed by itself: the check sees a state without event, an event without leaf or outbox row."""
    apart = replace(work, options={"isolation_level": "AUTOCOMMIT"})
    names = names_of_stops(work)
    found = {name: killed_at(apart, stop, tmp_path / f"{stop}.jsonl") for stop, name in enumerate(names) if name in STOPS}
    assert any("its last event tells of received" in sentence for sentence in found["INSERT INTO kzopen.event"])
    assert any("(answer) has 0 leaves" in sentence for sentence in found["INSERT INTO kzopen.leaf"])
    assert any("(answer) has 0 rows in the outbox" in sentence for sentence in found["INSERT INTO kzopen.outbox"])


def test_a_receipt_given_before_the_commit_would_be_found(work: Work, tmp_path: Path) -> None:
    leaf = {"number": "6f1c1f0e-5a52-4a39-9d0b-0e3f7f1f7a11", "index": 9, "hash": "00" * 32}
    assert what_is_broken(work, [leaf]) == ["a receipt was given for leaf 9, which is not in the log"]


@pytest.mark.timeout(300)
def test_a_death_at_any_moment_leaves_all_or_nothing(work: Work, tmp_path: Path) -> None:
    seed = int(os.environ.get("KZOPEN_FAULT_SEED", random.randrange(10**6)))
    moments = int(os.environ.get("KZOPEN_FAULT_MOMENTS", "10"))
    print(f"seed {seed}, {moments} moments")
    choice, receipts = random.Random(seed), []
    for moment in range(moments):
        child = start(tmp_path / f"{moment}.jsonl", lambda say: write_and_answer(work, say))
        wait_for_work(child)
        time.sleep(choice.uniform(0, LONGEST_LIFE))
        child.kill()
        assert child.wait() == -signal.SIGKILL, f"moment {moment}: the process ended by itself"
        receipts += child.said()
        assert what_is_broken(work, receipts) == [], f"moment {moment}"
    assert len(receipts) >= moments

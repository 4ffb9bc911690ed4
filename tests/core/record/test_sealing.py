"""An event that was sealed cannot be edited, deleted or slipped in unseen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ckanext.kzopen.core.record import sealing, write_event
from ckanext.kzopen.core.record.keys import Key
from ckanext.kzopen.core.record.tables import Leaf
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.core.record.conftest import unprotected

Verify = Callable[..., list[str]]


def write(log: Session, count: int) -> list[int]:
    return [
        write_event(log, kind="test", object_id=str(n), verb="change", actor="user-1", address="203.0.113.7", new={"n": n})
        for n in range(count)
    ]


@pytest.fixture
def sealed(log: Session, key: Key) -> list[int]:
    numbers = write(log, 3)
    assert sealing.seal(log) == 3
    log.commit()
    return numbers


def seals(log: Session) -> list[dict[str, object] | None]:
    return list(log.scalars(select(Leaf.record).where(Leaf.kind == "record.events").order_by(Leaf.index)))


def test_each_event_is_sealed_once(log: Session, sealed: list[int], verify: Verify) -> None:
    assert sealing.seal(log) == 0
    (told,) = seals(log)
    assert told is not None
    assert (told["ids"], told["count"]) == (f"{{[{sealed[0]},{sealed[2] + 1})}}", 3)
    assert verify() == []


def test_an_event_committed_late_comes_into_a_later_seal(log: Session, key: Key, log_engine: Engine, verify: Verify) -> None:
    with Session(log_engine) as other:
        late = write(other, 1)
        write(log, 1)
        assert sealing.seal(log) == 1
        log.commit()
        other.commit()
    assert sealing.seal(log) == 1
    log.commit()
    assert seals(log)[1] == {"ids": f"{{[{late[0]},{late[0] + 1})}}", "count": 1} | {"sha256": (seals(log)[1] or {})["sha256"]}
    assert verify() == []


@pytest.mark.parametrize("column", ["actor", "object_id", "verb", "reason", "address", "agency", "in_place_of", "at", "new"])
def test_an_edited_event_is_found(log: Session, sealed: list[int], verify: Verify, column: str) -> None:
    value = {"address": "'203.0.113.8'", "at": "at + interval '1 second'", "new": "'{\"n\": 9}'"}.get(column, "'other'")
    with unprotected(log):
        log.execute(text(f"UPDATE kzopen.event SET {column} = {value} WHERE id = :id"), {"id": sealed[1]})
    (found,) = verify()
    assert found.startswith(f"event {sealed[0]}–{sealed[2]} is not what was sealed at ")


def test_a_deleted_event_is_found(log: Session, sealed: list[int], verify: Verify) -> None:
    log.execute(text("DELETE FROM kzopen.event WHERE id = :id"), {"id": sealed[1]})
    (found,) = verify()
    assert found.startswith(f"event {sealed[1]}, sealed at ")
    assert found.endswith(", is missing")


def test_an_event_slipped_in_past_the_seals_is_found(log: Session, sealed: list[int], verify: Verify) -> None:
    with unprotected(log):
        write(log, 1)
    assert verify() == [f"event {sealed[2] + 1} was added past the seals"]


@pytest.mark.parametrize("numbers", [[], [4], [1, 2, 3, 7, 9, 10]])
def test_ranges_tell_numbers(numbers: list[int]) -> None:
    assert sealing.numbers_of(sealing.ranges_of(numbers)) == numbers


def test_ranges_are_told_as_postgresql_tells_them(log: Session) -> None:
    told = sealing.ranges_of([1, 2, 3, 7, 9, 10])
    assert (
        told
        == log.scalar(text("SELECT CAST(CAST(:told AS int8multirange) AS text)"), {"told": told})
        == "{[1,4),[7,8),[9,11)}"
    )

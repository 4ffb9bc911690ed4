"""Events are sealed by leaves of the public record; what that finds is in `test_threats_events.py`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ckanext.kzopen.core.record import sealing
from ckanext.kzopen.core.record.keys import Key
from ckanext.kzopen.core.record.tables import Leaf
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.core.record.conftest import write_events

Verify = Callable[..., list[str]]


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
        late = write_events(other, 1)
        write_events(log, 1)
        assert sealing.seal(log) == 1
        log.commit()
        other.commit()
    assert sealing.seal(log) == 1
    log.commit()
    assert seals(log)[1] == {"ids": f"{{[{late[0]},{late[0] + 1})}}", "count": 1} | {"sha256": (seals(log)[1] or {})["sha256"]}
    assert verify() == []


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

"""What Prometheus is told of the outbox: for each consumer, how many rows wait and how old the oldest is."""

from __future__ import annotations

import pytest
from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.outbox import Consumer
from ckanext.kzopen.core.web import metrics
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.scraping import Told, rows_of, told

FIRST, MIDDLE, LAST = (Consumer(f"tests.{name}", frozenset({f"tests.{name}"})) for name in ("a", "b", "c"))
OLDER = text("UPDATE kzopen.outbox SET created = now() - make_interval(mins => :minutes) WHERE id = :id")


@pytest.fixture(autouse=True)
def _consumers(session: Session) -> None:
    for consumer in (FIRST, MIDDLE, LAST):
        outbox.register(session, consumer)


@pytest.fixture(autouse=True)
def _in_this_session(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "Asked", lambda: rows_of(session))
    monkeypatch.setattr(metrics, "_figures", [])


def emitted(session: Session, consumer: Consumer, minutes: int) -> int:
    number = outbox.emit(session, *consumer.topics, "key", quietly=True)
    session.execute(OLDER, {"minutes": minutes, "id": number})
    return number


def figures_of() -> Told:
    return told(metrics.Tables().collect())


def lags() -> list[int]:
    """Minutes that each of the three is behind."""
    found = figures_of()
    return [round(found["kzopen_outbox_lag_seconds", f"tests.{name}"] / 60) for name in "abc"]


def test_each_consumer_is_as_far_behind_as_its_oldest_row(session: Session) -> None:
    first = emitted(session, FIRST, 30)
    emitted(session, FIRST, 20)
    emitted(session, LAST, 10)
    assert lags() == [30, 0, 10]
    assert figures_of()["kzopen_outbox_waiting", "tests.a"] == 2
    outbox.acknowledge(session, "tests.a", [first])
    assert lags() == [20, 0, 10]
    assert figures_of()["kzopen_outbox_waiting", "tests.b"] == 0

"""A change of state as sections make it: row locked and changed, event, leaf, outbox row, one commit."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from ckanext.kzopen.core import outbox, states
from ckanext.kzopen.core.db import Base
from sqlalchemy import create_engine
from sqlalchemy.orm import Mapped, Session, mapped_column

from bench.figures import Figure, at_least, below, told

CHANGES, QUICK_CHANGES = 4000, 800
PROCESSES, THREADS = 2, 4
FAST_FSYNC_MS = 3.0
RATE, P99_MS = 300.0, 50.0
SHARE_OF_FSYNC = 0.8


class BenchLetter(Base):
    """An object of the machine `bench_letter.yaml`."""

    __tablename__ = "bench_letter"

    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    text: Mapped[str | None]
    agency_id: Mapped[str]


def prepare(address: str, count: int) -> list[str]:
    """So many letters to be answered, and two consumers that want to know; their ids."""
    engine = create_engine(address)
    BenchLetter.__table__.create(engine)  # type: ignore[attr-defined]
    numbers = [str(uuid4()) for _ in range(count)]
    with Session(engine) as session:
        session.add_all(BenchLetter(id=number, state="received", agency_id="agency-1") for number in numbers)
        for consumer in ("bench.notices", "bench.search"):
            outbox.register(session, outbox.Consumer(consumer, frozenset({"bench_letter.answer"})))
        session.commit()
    engine.dispose()
    return numbers


def figures(address: str, fsync_ms: float, quick: bool) -> list[Figure]:
    """Rate and times over PROCESSES × THREADS connections at once, as web processes have them."""
    numbers = prepare(address, QUICK_CHANGES if quick else CHANGES)
    shares = [numbers[n::PROCESSES] for n in range(PROCESSES)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        pool.starmap(answer_all, [(address, [], THREADS)] * PROCESSES)  # imports and connections, not measured
        started = time.perf_counter()
        times = sorted(spent for found in pool.starmap(answer_all, [(address, s, THREADS) for s in shares]) for spent in found)
        rate = len(times) / (time.perf_counter() - started)
    assert len(times) == len(numbers), "a change failed"
    return judged(rate, times[int(len(times) * 0.99)], fsync_ms)


def judged(rate: float, p99: float, fsync_ms: float) -> list[Figure]:
    """The bars: 300/s and 50 ms on a disk whose fsync takes 3 ms at most, else what the disk allows."""
    if fsync_ms <= FAST_FSYNC_MS:
        return [at_least("core.state_change_rate", rate, RATE, "/s"), below("core.state_change_p99", p99, P99_MS, "ms")]
    bar = SHARE_OF_FSYNC * 1000 / fsync_ms
    return [at_least("core.state_change_rate", rate, bar, "/s"), told("core.state_change_p99", p99, "ms")]


def answer_all(address: str, numbers: list[str], threads: int) -> list[float]:
    """Answer these letters over some connections of one process; milliseconds of each change with its commit."""
    from concurrent.futures import ThreadPoolExecutor

    if "bench_letter" not in states.kinds():
        states.register(Path(__file__).with_name("bench_letter.yaml"))
    engine = create_engine(address, pool_size=threads)
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda share: answer_some(engine, share), [numbers[n::threads] for n in range(threads)])
        times = [spent for share in found for spent in share]
    engine.dispose()
    return times


def everyone(_actor: str, _right: str, _row: Any) -> bool:
    """The check of rights has a figure of its own."""
    return True


def answer_some(engine: Any, numbers: list[str]) -> list[float]:
    times = []
    with Session(engine) as session:
        session.connection()
        for number in numbers:
            started = time.perf_counter()
            letter = session.get_one(BenchLetter, number)
            states.change(session, "bench_letter", letter, "answer", "user-1", allowed=everyone, text="жауап " * 20)
            session.commit()
            times.append((time.perf_counter() - started) * 1000)
    return times

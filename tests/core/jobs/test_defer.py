"""Putting work into the queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from ckanext.kzopen.core import jobs
from ckanext.kzopen.core.jobs import Retry, queue, task
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.core.jobs import tasks

BEGUN = text("UPDATE kzopen.procrastinate_jobs SET status = 'doing' WHERE id = :number")


def queued(session: Session, number: int | None) -> list[Any]:
    query = text("SELECT task_name, args, lock, status::text FROM kzopen.procrastinate_jobs WHERE id = :number")
    return [tuple(row) for row in session.execute(query, {"number": number})]


def test_a_job_is_written_in_the_callers_transaction(session: Session) -> None:
    number = jobs.defer(session, "tests.note", lock="table-1", notes="file", line="Әділет")

    assert queued(session, number) == [("tests.note", {"notes": "file", "line": "Әділет"}, "table-1", "todo")]


def test_a_rolled_back_job_does_not_exist(engine: Engine) -> None:
    with Session(engine) as session:
        number = jobs.defer(session, "tests.note", notes="file", line="x")
        session.rollback()
        assert queued(session, number) == []


def test_a_second_job_with_the_same_queueing_lock_is_not_added_and_spoils_nothing(session: Session) -> None:
    first = jobs.defer(session, "tests.note", queueing_lock="once", notes="file", line="1")
    second = jobs.defer(session, "tests.note", queueing_lock="once", notes="file", line="2")
    third = jobs.defer(session, "tests.note", notes="file", line="3")

    assert first is not None
    assert second is None
    assert [row[1]["line"] for number in (first, third) for row in queued(session, number)] == ["1", "3"]


def test_a_job_that_waits_is_not_begun_before_whoever_wants_it_too_has_committed(engine: Engine) -> None:
    """Begun before, it would not see the work for which it was wanted, and nobody would do that."""
    key, fetched = f"wanted twice {uuid4()}", text("SELECT id FROM kzopen.procrastinate_fetch_job_v2(ARRAY[:queue], NULL)")
    with Session(engine) as first, Session(engine) as second, Session(engine) as worker:
        number = jobs.defer(first, "tests.note", queueing_lock=key, notes="file", line="1")
        first.commit()
        assert jobs.defer(second, "tests.note", queueing_lock=key, notes="file", line="2") is None
        assert worker.execute(fetched, {"queue": tasks.QUEUE}).scalar_one() is None
        worker.rollback()
        second.commit()
        assert worker.execute(fetched, {"queue": tasks.QUEUE}).scalar_one() == number
        worker.execute(text("DELETE FROM kzopen.procrastinate_jobs WHERE id = :number"), {"number": number})
        worker.commit()


def test_a_job_that_is_begun_meanwhile_is_wanted_once_more(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    key, held, looks = f"begun meanwhile {uuid4()}", queue._held, []

    def begun_first(session: Session, queueing_lock: str) -> bool:
        with engine.begin() as worker:
            worker.execute(BEGUN, {"number": number})
        looks.append(held(session, queueing_lock))
        return looks[-1]

    monkeypatch.setattr(queue, "_held", begun_first)
    with Session(engine) as session:
        number = jobs.defer(session, "tests.note", queueing_lock=key, notes="file", line="1")
        session.commit()
        again = jobs.defer(session, "tests.note", queueing_lock=key, notes="file", line="2")
        assert looks == [False]
        assert again not in (None, number)
        session.rollback()
        session.execute(text("DELETE FROM kzopen.procrastinate_jobs WHERE id = :number"), {"number": number})
        session.commit()


def test_a_job_that_is_tried_again_and_one_that_was_wanted_meanwhile_both_wait(session: Session) -> None:
    """Else it would stay as if it ran for ever, and with it all jobs of workers that have died."""
    key = f"tried again {uuid4()}"
    first = jobs.defer(session, "tests.note", lock=key, queueing_lock=key, notes="file", line="1")
    session.execute(BEGUN, {"number": first})
    second = jobs.defer(session, "tests.note", lock=key, queueing_lock=key, notes="file", line="2")
    session.execute(text("SELECT kzopen.procrastinate_retry_job_v1(:number, now(), NULL, NULL, NULL)"), {"number": first})
    assert [row[3] for number in (first, second) for row in queued(session, number)] == ["todo", "todo"]


def test_a_task_that_no_plugin_brought_is_refused(session: Session) -> None:
    with pytest.raises(LookupError, match=r"no plugin has registered the task tests\.unknown"):
        jobs.defer(session, "tests.unknown")


def test_two_functions_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match=r"two tasks have the name tests\.note"):
        task("tests.note", queue=tasks.QUEUE)(tasks.work)


def test_the_moment_before_which_a_job_does_not_run_is_kept(session: Session) -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    number = jobs.defer(session, "tests.note", at=moment, notes="file", line="later")

    query = text("SELECT scheduled_at FROM kzopen.procrastinate_jobs WHERE id = :number")
    assert session.execute(query, {"number": number}).scalar_one() == moment


def test_counts_name_every_status(session: Session) -> None:
    before = jobs.counts(session)
    jobs.defer(session, "tests.note", notes="file", line="x")

    assert jobs.counts(session) == before | {"todo": before["todo"] + 1}
    assert sorted(before) == ["doing", "failed", "todo"]


def test_pauses_between_tries_double_up_to_the_longest() -> None:
    retry = Retry(times=5, first=2, longest=10)

    assert [retry.wait(attempt) for attempt in range(6)] == [2, 4, 8, 10, 10, None]

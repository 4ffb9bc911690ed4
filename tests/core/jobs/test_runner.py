"""How the portal's worker runs a task: inside CKAN, with its failure told, and not for ever."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.jobs import GaveUp, Retry, Task
from ckanext.kzopen.core.jobs.runner import Runner
from flask import has_request_context
from sqlalchemy import text


@pytest.fixture
def runner(app: CKANTestApp) -> Runner:
    return Runner(app.flask_app)


def test_a_task_runs_in_ckans_application_with_a_session(runner: Runner) -> None:
    seen: list[object] = []

    def look(number: int) -> None:
        seen.extend([number, has_request_context(), model.Session.execute(text("SELECT 1")).scalar()])

    runner(Task("tests.look", look), 0, {"number": 7, "timestamp": 1})

    assert seen == [7, True, 1]


def test_what_a_failed_task_wrote_is_rolled_back_before_its_failure_is_told(runner: Runner) -> None:
    told: list[object] = []

    def write_and_fail() -> None:
        model.Session.execute(text("CREATE TEMPORARY TABLE left_behind (a int)"))
        raise OSError("disk full")

    def failed(error: BaseException, last: bool) -> None:
        there = model.Session.execute(text("SELECT to_regclass('left_behind')")).scalar()
        told.extend([str(error), there, last])

    task = Task("tests.write_and_fail", write_and_fail, Retry(times=2), failed=failed)
    for attempts in range(3):
        with pytest.raises(OSError, match="disk full"):
            runner(task, attempts, {})

    assert told == ["disk full", None, False, "disk full", None, False, "disk full", None, True]


def test_a_task_that_killed_its_worker_each_time_is_not_run_once_more(runner: Runner) -> None:
    ran: list[str] = []
    told: list[object] = []

    def failed(error: BaseException, last: bool) -> None:
        told.extend([type(error), last])

    task = Task("tests.deadly", lambda: ran.append("ran"), Retry(times=2), failed=failed)

    runner(task, 2, {})
    runner(task, 3, {})

    assert (ran, told) == (["ran"], [GaveUp, True])

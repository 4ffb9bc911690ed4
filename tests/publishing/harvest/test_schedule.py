"""Runs that the clock starts: each source at its time, and those again whose jobs were lost."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import runs, schedule
from ckanext.kzopen.publishing.harvest.model import Run, Source, runs_of, source_named

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Catalogue

NIGHTLY = "30 2 * * *"
FAR = datetime(2030, 3, 1, 21, 30, tzinfo=UTC)
"""02:30 of the 2nd of March in Astana; the worker's own clock is not there yet."""
PATIENCE = 60


@pytest.fixture
def source(app: CKANTestApp, harvest: Harvest, catalogue: Catalogue) -> Any:
    """An active source that runs every night."""
    catalogue.fill(2)
    harvest.ready("json_api", catalogue.settings(), schedule=NIGHTLY)
    with app.flask_app.test_request_context():
        yield source_named(model.Session(), harvest.name)


def at(source: Source, moment: datetime) -> None:
    source.next_run = moment
    model.Session().commit()


def begun(source: Source) -> list[Run]:
    """The runs that the clock has started, newest first."""
    model.Session().rollback()  # another process writes them
    return [run for run in runs_of(model.Session(), source) if run.starter == runs.CLOCK]


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        (NIGHTLY, datetime(2026, 3, 1, 21, 29, tzinfo=UTC), datetime(2026, 3, 1, 21, 30, tzinfo=UTC)),
        (NIGHTLY, datetime(2026, 3, 1, 21, 30, tzinfo=UTC), datetime(2026, 3, 2, 21, 30, tzinfo=UTC)),
        ("0 3 * * 1", datetime(2026, 3, 1, 12, 0, tzinfo=UTC), datetime(2026, 3, 1, 22, 0, tzinfo=UTC)),  # Monday, in Astana
        ("", datetime(2026, 3, 1, tzinfo=UTC), None),
    ],
)
def test_a_schedule_is_in_the_time_of_astana(line: str, after: datetime, expected: datetime | None) -> None:
    assert schedule.next_time(line, after) == expected


@pytest.mark.parametrize("line", ["daily", "* * *", "61 2 * * *", "0 0 30 2 *"])
def test_a_schedule_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(KzError) as raised:
        schedule.check(line)
    assert raised.value.code == "harvest.bad_schedule"


def test_a_source_that_is_due_runs_once_and_gets_its_next_time(harvest: Harvest, source: Source) -> None:
    session = model.Session()
    at(source, FAR)
    runs.start_due(session, FAR - timedelta(seconds=1))
    assert begun(source) == []
    runs.start_due(session, FAR)
    [run] = begun(source)
    assert (run.purpose, source.next_run) == ("harvest", FAR + timedelta(days=1))
    ended = harvest.ended(str(run.id))
    assert (ended["state"], counts(ended)["added"]) == ("finished", 2)
    runs.start_due(session, FAR)
    assert len(begun(source)) == 1


def test_the_worker_s_clock_starts_it(harvest: Harvest, source: Source) -> None:
    now = datetime.now(UTC)
    at(source, now - timedelta(seconds=1))
    until = time.monotonic() + PATIENCE
    while not begun(source):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert harvest.ended(str(begun(source)[0].id))["state"] == "finished"
    [run] = begun(source)
    assert source.next_run == schedule.next_time(NIGHTLY, run.created)


def test_a_source_whose_run_is_under_way_is_left(run: Run) -> None:
    """The next night is soon enough."""
    session = model.Session()
    source = session.get_one(Source, run.source_id)
    source.state, source.schedule = "active", NIGHTLY
    at(source, FAR)
    runs.start_due(session, FAR)
    assert (begun(source), source.next_run) == ([], FAR + timedelta(days=1))
    source.state, source.next_run = "paused", None


def test_a_source_that_pauses_is_not_run(harvest: Harvest, source: Source) -> None:
    number = source.id
    assert harvest.post(f"/sources/{harvest.name}/pause").status_code == 200
    source = model.Session().get_one(Source, number)
    assert source.next_run is None
    at(source, FAR)
    runs.start_due(model.Session(), FAR)
    assert (begun(source), source.next_run) == ([], FAR)


def test_a_run_whose_job_was_lost_is_woken(harvest: Harvest, source: Source) -> None:
    session = model.Session()
    run = runs._begun(session, source, "harvest", runs.CLOCK, None)
    number = str(run.id)
    assert number in {str(one.id) for one in runs.stranded(session)}
    assert runs.wake(session) >= 1
    assert number not in {str(one.id) for one in runs.stranded(session)}, "it has a job, or has ended"
    assert harvest.ended(number)["state"] == "finished"


def test_the_worker_s_clock_wakes_it(harvest: Harvest, source: Source) -> None:
    run = runs._begun(model.Session(), source, "harvest", runs.CLOCK, None)
    number = str(run.id)
    model.Session().commit()
    assert harvest.ended(number)["state"] == "finished"

"""How well sources are is told on the agency's desk and kept as figures; a run's end is expected by the runs before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ckan import model
from ckanext.kzopen.core.figures import Period, known
from ckanext.kzopen.core.figures.periods import span_of
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.publishing.harvest import health
from ckanext.kzopen.publishing.harvest.model import Item, Run, Source
from ckanext.kzopen.runtime.harvest_portal import progress
from sqlalchemy import select

from tests.publishing.harvest.conftest import Harvest
from tests.publishing.harvest.source import Catalogue
from tests.publishing.harvest.test_pages import browser, read

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def source(harvest: Harvest, catalogue: Catalogue) -> Source:
    """Switched on, without any run."""
    harvest.add("json_api", catalogue.settings())
    found = model.Session.scalars(select(Source).where(Source.name == harvest.name)).one()
    found.state, found.next_run = "active", NOW + timedelta(hours=1)
    model.Session.commit()
    return found


def ran(
    source: Source,
    state: str,
    ago: timedelta,
    *,
    seconds: float = 60,
    failed: int = 0,
    seen: int = 5,
    purpose: str = "harvest",
) -> Run:
    """A run of the source that came to its end so long ago; of the data sets that it has seen, the first ones failed."""
    ended = NOW - ago
    told = {"source_id": source.id, "agency_id": source.agency_id, "fingerprint": source.fingerprint, "starter": "test"}
    times = {
        "created": ended - timedelta(seconds=seconds + 5),
        "started": ended - timedelta(seconds=seconds),
        "finished": ended,
    }
    run = Run(**told, **times, purpose=purpose, state=state, seen=seen, failed=failed)
    if state in ("discovering", "awaiting_confirmation"):
        run.finished = None
    model.Session.add(run)
    model.Session.flush()
    for place in range(seen):
        outcome = "failed" if place < failed else "added"
        model.Session.add(Item(run_id=run.id, guid=f"set-{place}", position=place, outcome=outcome, finished=ended))
    model.Session.commit()
    return run


def found(source: Source) -> health.Health:
    return health.of_sources(model.Session(), [source], NOW)[source.id]


def test_a_source_fails_from_its_first_failure_after_its_last_success_on(source: Source) -> None:
    assert found(source) == health.Health("new")
    ran(source, "failed", timedelta(days=9))
    ran(source, "finished", timedelta(days=8))
    assert found(source) == health.Health("well")
    ran(source, "failed", timedelta(days=1), purpose="preview")
    assert found(source).state == "well", "what only looks tells nothing of the source"
    ran(source, "finished", timedelta(days=7), failed=3)
    assert found(source) == health.Health("partly", None, 3)
    ran(source, "inconsistent", timedelta(days=4))
    ran(source, "failed", timedelta(days=3))
    assert found(source) == health.Health("failing", NOW - timedelta(days=4))
    ran(source, "finished", timedelta(days=2))
    assert found(source) == health.Health("well")
    ran(source, "finished", timedelta(days=1), failed=5)
    assert found(source) == health.Health("failing", NOW - timedelta(days=1)), "its list could be read, and nothing else"
    ran(source, "awaiting_confirmation", timedelta(hours=1))
    assert found(source) == health.Health("well"), "what waits for a person is fetched"


def test_what_was_tried_again_has_not_failed(source: Source) -> None:
    ran(source, "finished", timedelta(days=2), failed=3)
    ran(source, "finished", timedelta(days=1), purpose="retry", failed=1, seen=2)
    assert found(source) == health.Health("partly", None, 2)
    ran(source, "finished", timedelta(hours=1), purpose="retry", failed=0, seen=3)
    assert found(source) == health.Health("well")


def test_a_source_is_late_when_its_moment_is_past_and_no_run_goes(source: Source) -> None:
    ran(source, "finished", timedelta(days=2))
    source.next_run = NOW - timedelta(hours=2)
    model.Session.commit()
    assert found(source) == health.Health("late", NOW - timedelta(hours=2))
    going = ran(source, "discovering", timedelta(hours=1))
    assert found(source).state == "well"
    going.state, going.finished = "finished", NOW
    model.Session.commit()
    assert found(source).state == "late"
    ran(source, "discovering", timedelta(days=2))
    assert found(source).state == "late", "a run that is stuck for days is none"
    source.state = "paused"
    model.Session.commit()
    assert found(source).state == "well", "nobody waits for it"


def test_the_desk_tells_health_and_has_a_task_after_two_days(harvest: Harvest, source: Source) -> None:
    client = browser(harvest)
    assert "Ещё не запускался" in read(client, "/ru/staff/harvest")
    ran(source, "failed", timedelta(days=1))
    page = read(client, "/kk/staff/harvest")
    assert "Сәтсіз, басталған күні:" in page
    assert "Исправить неудачи источника" not in read(client, "/ru/staff")
    ran(source, "failed", timedelta(days=3))
    page = read(client, "/ru/staff")
    assert "Исправить неудачи источника" in page
    assert f"/staff/harvest/{source.name}" in page


def test_figures_of_harvests_are_kept_by_agency_and_day(source: Source) -> None:
    for state, failed in (("finished", 0), ("finished", 4), ("failed", 0), ("inconsistent", 2), ("cancelled", 5)):
        ran(source, state, timedelta(0), failed=failed)
    ran(source, "finished", timedelta(0), purpose="preview", failed=5)
    span = span_of(Period.DAY, NOW.astimezone(ASTANA).date())

    def value(name: str) -> Any:
        return known(name).query(model.Session(), span).get(source.agency_id)

    assert [value(name) for name in ("harvest_runs", "harvest_runs_failed", "harvest_datasets_failed")] == [4, 2, 4]
    behind = known("harvest_runs").rows
    assert behind is not None
    rows = behind(model.Session(), span, frozenset({source.agency_id}))
    assert [(row["state"], row["runs"]) for row in rows] == [("failed", 1), ("finished", 2), ("inconsistent", 1)]
    assert not any(source.title in map(str, row.values()) for row in rows)


@pytest.mark.parametrize(
    ("language", "ends", "by"),
    [
        ("kk", "Күтілетін аяқталу уақыты", "бұрынғылардай"),
        ("ru", "Ожидаемое завершение", "как прежние"),
        ("en", "Expected end", "as long as"),
    ],
)
def test_a_run_is_expected_to_end_as_earlier_ones_did(
    harvest: Harvest, source: Source, language: str, ends: str, by: str
) -> None:
    for seconds in (10_000, 40_000, 1_000_000):
        earlier = ran(source, "finished", timedelta(days=1), seconds=seconds)
        earlier.finished += timedelta(days=3)  # a person confirmed what was to be withdrawn
    model.Session.commit()
    ran(source, "failed", timedelta(days=1), seconds=1)
    run = ran(source, "discovering", timedelta(seconds=0), seconds=60, seen=0)
    told = harvest.get(f"/runs/{run.id}").json
    assert told["rate"] is None
    assert abs(datetime.fromisoformat(told["expected_end"]) - run.started - timedelta(seconds=40_000)) < timedelta(seconds=1)
    assert 39_000 < told["seconds_left"] <= 39_940
    assert progress(told) == f"Reading the list: 0 found, about {told['seconds_left']} s left if it takes as long as before"
    page = read(browser(harvest), f"/{language}/staff/harvest/runs/{run.id}")
    assert ends in page
    assert by in page


def test_a_run_that_takes_longer_than_ever_tells_no_end(harvest: Harvest, source: Source) -> None:
    ran(source, "finished", timedelta(days=1), seconds=30)
    run = ran(source, "discovering", timedelta(seconds=0), seconds=60)
    told = harvest.get(f"/runs/{run.id}").json
    assert (told["rate"], told["seconds_left"], told["expected_end"]) == (None, None, None)

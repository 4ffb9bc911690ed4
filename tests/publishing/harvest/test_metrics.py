"""What Prometheus is told: runs under way, what the last one did, and of sources whose runs fail, for how long they have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.harvest.health import of_sources
from ckanext.kzopen.publishing.harvest.metrics import figures
from ckanext.kzopen.publishing.harvest.model import Run, Source
from sqlalchemy import select

from tests.scraping import rows_of, told

HOUR = 3600


@pytest.fixture
def source(app: CKANTestApp) -> Source:
    """A source of this transaction, which is rolled back."""
    name = f"source-{uuid4().hex[:10]}"
    made = Source(name=name, title=name, agency_id="none", kind="files", state="active", fingerprint="-")
    model.Session.add(made)
    model.Session.flush()
    return made


def ran(source: Source, hours_ago: float, state: str, purpose: str = "harvest", failed: int = 0) -> None:
    """A run that saw five data sets."""
    when = datetime.now(UTC) - timedelta(hours=hours_ago)
    run = {"agency_id": "none", "purpose": purpose, "starter": "system", "fingerprint": "-", "created": when, "finished": when}
    model.Session.add(Run(source_id=source.id, state=state, seen=5, failed=failed, **run))
    model.Session.flush()


def test_a_run_is_told_while_it_is_under_way_and_what_it_did_when_it_has_finished(source: Source) -> None:
    session = model.Session()
    before = told(figures(rows_of(session))).get(("kzopen_harvest_runs", "fetching"), 0)
    ran(source, 2, "finished")
    ran(source, 30, "finished")
    [last] = session.scalars(select(Run).where(Run.source_id == source.id).order_by(Run.created.desc()).limit(1))
    last.added, last.changed, last.unchanged, last.removed, last.failed = 5, 4, 3, 2, 1
    ran(source, 0, "fetching")
    found = told(figures(rows_of(session)))
    assert found["kzopen_harvest_runs", "fetching"] == before + 1
    assert {key[1]: value for key, value in found.items() if key[::2] == ("kzopen_harvest_items", source.name)} == {
        "added": 5,
        "changed": 4,
        "unchanged": 3,
        "removed": 2,
        "failed": 1,
    }
    assert found["kzopen_harvest_last_success_seconds", source.name] == pytest.approx(2 * HOUR, abs=60)


def failing(source: Source) -> float | None:
    return told(figures(rows_of(model.Session()))).get(("kzopen_harvest_failing_seconds", source.name))


def test_a_source_that_has_not_run_or_whose_last_run_finished_is_not_failing(source: Source) -> None:
    assert failing(source) == 0
    ran(source, 50, "failed")
    ran(source, 2, "finished")
    assert failing(source) == 0


def test_a_source_fails_since_the_first_failure_after_its_last_success(source: Source) -> None:
    ran(source, 100, "failed")
    ran(source, 90, "finished")
    ran(source, 60, "failed")
    ran(source, 30, "inconsistent")
    ran(source, 20, "finished", purpose="preview")
    assert failing(source) == pytest.approx(60 * HOUR, abs=60)


def test_a_source_fails_when_its_list_can_be_read_and_nothing_else(source: Source) -> None:
    ran(source, 90, "finished", failed=4)
    assert failing(source) == 0
    ran(source, 70, "finished", failed=5)
    ran(source, 20, "finished", failed=5)
    assert failing(source) == pytest.approx(70 * HOUR, abs=60)
    [health] = of_sources(model.Session(), [source], datetime.now(UTC)).values()
    assert health.since is not None
    assert failing(source) == pytest.approx((datetime.now(UTC) - health.since).total_seconds(), abs=60), "as the desk has it"


def test_a_source_that_never_succeeded_fails_since_its_first_run(source: Source) -> None:
    ran(source, 70, "failed")
    ran(source, 40, "cancelled")
    assert failing(source) == pytest.approx(70 * HOUR, abs=60)


def test_a_source_that_pauses_is_not_told(source: Source) -> None:
    ran(source, 70, "failed")
    source.state = "paused"
    model.Session.flush()
    assert failing(source) is None

"""What Prometheus is told of sources whose runs fail: for how long they have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.harvest.metrics import figures
from ckanext.kzopen.publishing.harvest.model import Run, Source

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


def ran(source: Source, hours_ago: float, state: str, purpose: str = "harvest") -> None:
    when = datetime.now(UTC) - timedelta(hours=hours_ago)
    run = {"agency_id": "none", "purpose": purpose, "starter": "system", "fingerprint": "-", "created": when, "finished": when}
    model.Session.add(Run(source_id=source.id, state=state, **run))
    model.Session.flush()


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


def test_a_source_that_never_succeeded_fails_since_its_first_run(source: Source) -> None:
    ran(source, 70, "failed")
    ran(source, 40, "cancelled")
    assert failing(source) == pytest.approx(70 * HOUR, abs=60)


def test_a_source_that_pauses_is_not_told(source: Source) -> None:
    ran(source, 70, "failed")
    source.state = "paused"
    model.Session.flush()
    assert failing(source) is None

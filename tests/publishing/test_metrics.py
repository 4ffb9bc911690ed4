"""What Prometheus is told of deliveries: how long the oldest has waited, or has been checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from ckan import model
from ckan.tests.helpers import CKANTestApp
from ckanext.kzopen.publishing.metrics import figures
from ckanext.kzopen.publishing.model import Delivery
from sqlalchemy import delete

from tests.scraping import Told, rows_of, told

AGO = timedelta(hours=2)


def figures_of() -> Told:
    """As if no test before had left a delivery under way; all is rolled back."""
    return told(figures(rows_of(model.Session())))


@pytest.fixture(autouse=True)
def _no_others(app: CKANTestApp) -> None:
    model.Session.execute(delete(Delivery).where(Delivery.state.in_(("received", "checking"))))


def stuck(state: str, **moments: datetime) -> None:
    """A delivery on which no job works."""
    sent = {"package_id": "none", "uri": "none", "mode": "replace", "sender": "none", "source": "api", "path": "none"}
    model.Session.add(Delivery(**sent, id=uuid4(), size=0, sha256="0" * 64, state=state, **moments))
    model.Session.flush()


def test_without_deliveries_under_way_nothing_is_late() -> None:
    assert figures_of() == {
        ("kzopen_delivery_oldest_seconds", "received"): 0,
        ("kzopen_delivery_oldest_seconds", "checking"): 0,
    }


def test_a_delivery_that_nobody_takes_is_told_since_it_was_received() -> None:
    stuck("received", received=datetime.now(UTC) - AGO)
    stuck("received", received=datetime.now(UTC))
    found = figures_of()
    assert found["kzopen_delivery_oldest_seconds", "received"] == pytest.approx(7200, abs=60)
    assert found["kzopen_delivery_oldest_seconds", "checking"] == 0


def test_a_check_that_does_not_end_is_told_since_it_began() -> None:
    stuck("checking", received=datetime.now(UTC) - 5 * AGO, checking=datetime.now(UTC) - AGO)
    assert figures_of()["kzopen_delivery_oldest_seconds", "checking"] == pytest.approx(7200, abs=60)


@pytest.mark.parametrize("state", ["accepted", "refused", "failed", "quarantined", "awaiting_approval", "scheduled"])
def test_what_waits_for_a_person_or_a_day_is_not_stuck(state: str) -> None:
    stuck(state, received=datetime.now(UTC) - AGO)
    assert set(figures_of().values()) == {0}

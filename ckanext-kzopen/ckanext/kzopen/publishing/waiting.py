"""Waiting for the worker, so that small deliveries are answered at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ckanext.kzopen.publishing.model import Delivery
from sqlalchemy.orm import Session

FIRST_PAUSE = 0.03
LONGEST_PAUSE = 0.3
UNDER_WAY = ("received", "checking", "failed")


def wait_for(session: Session, delivery: Delivery, seconds: float) -> bool:
    """Wait until the worker has decided on a delivery, at most `seconds`; whether it has.

    The session is rolled back between looks, so that no transaction stays open; the delivery is fresh afterwards.
    """
    until = time.monotonic() + seconds
    pause = FIRST_PAUSE
    while is_under_way(delivery):
        if time.monotonic() > until:
            return False
        session.rollback()
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        session.refresh(delivery)
    return True


def is_under_way(delivery: Delivery) -> bool:
    """Whether the worker still has something to do with it: check it, publish it, or show the new version everywhere."""
    spreading = delivery.state == "accepted" and delivery.settled is None
    return delivery.state in UNDER_WAY or is_decided(delivery) or spreading


def is_decided(delivery: Delivery) -> bool:
    """Whether it is to be published now: a person has said so, or its planned moment has come."""
    if delivery.state == "scheduled":
        return delivery.publish_at is not None and delivery.publish_at <= datetime.now(UTC)
    return delivery.state in ("awaiting_approval", "quarantined") and delivery.approver is not None

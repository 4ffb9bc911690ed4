"""Waiting for the worker, so that small deliveries are answered at once.

The worker says in the transaction of each of its decisions which delivery it is about (`tell`); who waits hears it at the
commit, and looks by itself from time to time, should a message be lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from select import select as ready
from typing import Any
from uuid import UUID

from ckanext.kzopen.core.record import Event
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.publishing.model import Delivery
from psycopg2 import Error as DriverError
from sqlalchemy import select, text
from sqlalchemy.orm import Session

CHANNEL = "kzopen_delivery"
PAUSE = 0.3
"""Seconds after which a waiting request looks by itself."""
UNDER_WAY = ("received", "checking", "failed")


def tell(session: Session, delivery_id: UUID) -> None:
    """Wake those who wait for the delivery, when the caller's transaction is committed."""
    session.execute(text(f"SELECT pg_notify('{CHANNEL}', :id)"), {"id": str(delivery_id)})


def wait_for(session: Session, delivery: Delivery, seconds: float) -> bool:
    """Wait until the worker has decided on a delivery or has given it up, at most `seconds`; whether it has decided.

    The session is rolled back between looks, so that no transaction stays open; the delivery is fresh afterwards.
    """
    until, number = time.monotonic() + seconds, str(delivery.id)
    with _listening(session) as driver:
        while True:
            session.refresh(delivery)
            left = until - time.monotonic()
            if not is_under_way(delivery):
                return True
            if left <= 0 or is_given_up(session, delivery):
                return False
            session.rollback()
            _hear(driver, number, min(left, PAUSE))


@contextmanager
def _listening(session: Session) -> Iterator[Any]:
    """A connection of the session's pool that hears of deliveries; it goes back to the pool as it was."""
    raw: Any = session.get_bind().engine.raw_connection()
    driver = raw.driver_connection
    try:
        driver.autocommit = True
        driver.cursor().execute(f"LISTEN {CHANNEL}")
        yield driver
        driver.cursor().execute("UNLISTEN *")
        driver.autocommit = False
    except BaseException:
        raw.invalidate()
        raise
    finally:
        raw.close()


def _hear(driver: Any, number: str, seconds: float) -> None:
    """Until something is said of the delivery, at most `seconds`; a lost connection is found out at the next look."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        with suppress(DriverError, OSError):
            if ready([driver], [], [], left)[0]:
                driver.poll()
                said = {notice.payload for notice in driver.notifies}
                driver.notifies.clear()
                if number in said:
                    return
                continue
        time.sleep(max(0.0, min(left, until - time.monotonic())))


def is_under_way(delivery: Delivery) -> bool:
    """Whether the worker still has something to do with it: check it, publish it, or show the new version everywhere."""
    return delivery.state in UNDER_WAY or is_decided(delivery) or is_spreading(delivery)


def is_spreading(delivery: Delivery) -> bool:
    """Whether its version is published, and not yet shown by everything that is derived from it."""
    return delivery.state == "accepted" and delivery.settled is None


def is_decided(delivery: Delivery) -> bool:
    """Whether it is to be published now: a person has said so, or its planned moment has come."""
    if delivery.state == "scheduled":
        return delivery.publish_at is not None and delivery.publish_at <= datetime.now(UTC)
    return delivery.state in ("awaiting_approval", "quarantined") and delivery.approver is not None


def is_given_up(session: Session, delivery: Delivery) -> bool:
    """Whether people were told that its tries are used up, and nothing was begun with it since."""
    ways = machine_of("delivery").transitions
    of_it = Event.kind == "delivery", Event.object_id == str(delivery.id), Event.verb.in_(ways)
    last = select(Event.verb).where(*of_it).order_by(Event.id.desc()).limit(1)
    return session.scalars(last).first() == "give_up"

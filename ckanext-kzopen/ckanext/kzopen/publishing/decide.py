"""A person's decision on a delivery that was checked and waits."""

from __future__ import annotations

from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.receive import defer_check
from sqlalchemy.orm import Session


def approve(session: Session, delivery: Delivery, approver: str) -> None:
    """Let the worker publish the delivery in the name of `approver` (a user's id); commits.

    Asked twice, it is done once. Raises KzError publishing.cannot_publish when the delivery does not wait for a decision.
    """
    session.refresh(delivery, with_for_update=True)
    if delivery.state != "awaiting_approval":
        label = machine_of("delivery").states[delivery.state].label
        raise KzError("publishing.cannot_publish", state=label)
    if delivery.approver is None:
        delivery.approver = approver
        defer_check(session, delivery)
    session.commit()

"""A person's decision on a delivery: to publish one that was checked and waits, to try again one that is stuck."""

from __future__ import annotations

from collections.abc import Iterable

from ckanext.kzopen.core import jobs, states
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.receive import TASK, defer_check
from ckanext.kzopen.publishing.waiting import is_under_way
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


def stuck(session: Session, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Those of these deliveries that are not at their end and that nobody works on: the queue has used up its tries."""
    unfinished = [delivery for delivery in deliveries if is_under_way(delivery)]
    worked_on = jobs.waiting(session, TASK, "delivery", [str(delivery.id) for delivery in unfinished])
    return [delivery for delivery in unfinished if str(delivery.id) not in worked_on]


def try_again(session: Session, delivery: Delivery, actor: str, address: str | None = None) -> None:
    """Let the worker take up a delivery that is stuck, in the name of `actor` (a user's id); commits.

    Raises KzError publishing.cannot_try_again when it is at its end or in the queue already; so two clicks are one try.
    """
    session.refresh(delivery, with_for_update=True)
    if not stuck(session, [delivery]):
        raise KzError("publishing.cannot_try_again", state=machine_of("delivery").states[delivery.state].label)
    if delivery.state == "failed":
        states.change(session, "delivery", delivery, "check_again", actor=actor, address=address)
    else:
        agency, number = delivery.owner_org, str(delivery.id)
        write_event(
            session, kind="delivery", object_id=number, verb="check_again", actor=actor, address=address, agency=agency
        )
    defer_check(session, delivery)
    session.commit()

"""A person's decision on a delivery: publish it, refuse it, let it out of quarantine, try it again when it is stuck."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ckanext.kzopen.core import jobs, outbox, states
from ckanext.kzopen.core.people import rights, systems
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import rules
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.receive import TASK, defer_check, defer_publication
from ckanext.kzopen.publishing.waiting import is_under_way
from ckanext.kzopen.search import topics
from sqlalchemy.orm import Session

APPROVE, RELEASE = "publishing.approve", "publishing.release"
SYSTEM = "system:publishing"
LONGEST_REASON = 2000


def approve(session: Session, delivery: Delivery, approver: str, address: str | None = None) -> None:
    """Let the worker publish the delivery in the name of `approver` (a user's id), or plan it for its moment; commits.

    Asked twice, it is done once. Raises KzError publishing.cannot_publish when the delivery does not wait for a decision,
    publishing.own_delivery when the agency wants a second person.
    """
    session.refresh(delivery, with_for_update=True)
    if delivery.state == "scheduled" and delivery.approver is not None:
        return
    if delivery.state != "awaiting_approval":
        raise KzError("publishing.cannot_publish", state=_label(delivery))
    rules.refuse_own(session, delivery, approver)
    if delivery.approver is None:
        _let_out(session, delivery, "approve_for_later", approver, None, address)
    session.commit()


def refuse(session: Session, delivery: Delivery, actor: str, reason: str, address: str | None = None) -> None:
    """Say no to a delivery that waits, is planned or lies in quarantine; commits. Raises KzError publishing.cannot_refuse."""
    told = reason_of(reason)
    session.refresh(delivery, with_for_update=True)
    ways = {"awaiting_approval": "decline", "scheduled": "decline", "quarantined": "reject"}
    if delivery.state not in ways or is_under_way(delivery):
        raise KzError("publishing.cannot_refuse", state=_label(delivery))
    states.change(
        session,
        "delivery",
        delivery,
        ways[delivery.state],
        actor,
        reason=told,
        address=address,
        decision_reason=told,
        finished=datetime.now(UTC),
    )
    if delivery.publish_at is not None:
        outbox.emit(session, topics.STALE, delivery.package_id)
    session.commit()


def release(session: Session, delivery: Delivery, actor: str, reason: str, address: str | None = None) -> None:
    """Let a delivery out of quarantine, with a reason; commits.

    One that was to be published is published, or planned for its moment; one whose sender asked for a check alone, or that
    `actor` may release but not approve, waits for a decision. Raises KzError publishing.cannot_release, publishing.person_only
    for an information system, publishing.own_delivery when the agency wants a second person.
    """
    if systems.is_actor(actor):
        raise KzError("publishing.person_only")
    told = reason_of(reason)
    session.refresh(delivery, with_for_update=True)
    if delivery.state != "quarantined":
        raise KzError("publishing.cannot_release", state=_label(delivery))
    rules.refuse_own(session, delivery, actor)
    if delivery.approver is not None:
        return
    delivery.decision_reason = told
    if delivery.waits_for == "check" or not rights.allowed(actor, APPROVE, delivery):
        states.change(session, "delivery", delivery, "release_for_approval", actor, reason=told, address=address)
    else:
        _let_out(session, delivery, "release_for_later", actor, told, address)
    session.commit()


def _let_out(
    session: Session, delivery: Delivery, for_later: str, actor: str, reason: str | None, address: str | None
) -> None:
    """Publish by the worker, or plan by the transition `for_later` when the moment to publish is still to come."""
    if delivery.publish_at is not None and delivery.publish_at > datetime.now(UTC):
        states.change(session, "delivery", delivery, for_later, actor, reason=reason, address=address, approver=actor)
        defer_publication(session, delivery)
    else:
        delivery.approver = actor
        defer_check(session, delivery)


def step_to_accepted(delivery: Delivery) -> tuple[str, str, str | None]:
    """The transition that publishes a delivery from its state, who makes it, and the reason that was given."""
    if delivery.state == "awaiting_approval":
        return "approve", str(delivery.approver), delivery.decision_reason
    if delivery.state == "quarantined":
        return "release", str(delivery.approver), delivery.decision_reason
    return ("publish_on_time" if delivery.state == "scheduled" else "accept"), SYSTEM, None


def reason_of(text: str) -> str:
    """A reason as it is kept; KzError publishing.reason_missing for none."""
    told = text.strip()[:LONGEST_REASON]
    if not told:
        raise KzError("publishing.reason_missing")
    return told


def _label(delivery: Delivery) -> Words:
    return machine_of("delivery").states[delivery.state].label


def stuck(session: Session, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Those of these deliveries that are not at their end and that nobody works on: the queue has used up its tries."""
    unfinished = [delivery for delivery in deliveries if is_under_way(delivery)]
    worked_on = jobs.waiting(session, TASK, "delivery", [str(delivery.id) for delivery in unfinished])
    return [delivery for delivery in unfinished if str(delivery.id) not in worked_on]


def give_up(session: Session, delivery: Delivery, error: str) -> None:
    """Tell its sender and those who may approve it that one that was decided on could not be published, or that the version of
    one that is accepted is not shown everywhere; the decision stands, and somebody may let it be tried again. Nothing is
    committed."""
    agency, number = delivery.owner_org, str(delivery.id)
    new = {"state": delivery.state, "error": error}
    event = write_event(session, kind="delivery", object_id=number, verb="give_up", actor=SYSTEM, agency=agency, new=new)
    to = "accepted" if delivery.state == "accepted" else "failed"
    news = {"from": delivery.state, "to": to, "event": event, "notify": ["sender_and_approvers"]}
    outbox.emit(session, "delivery.give_up", number, news)


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

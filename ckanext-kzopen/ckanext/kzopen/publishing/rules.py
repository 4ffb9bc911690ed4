"""What a data set's owner asks for before something is published by itself: thresholds, and a second person's approval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckanext.kzopen.core.people import systems
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.model import ApprovalRule, Delivery, DeliveryRule
from sqlalchemy.orm import Session

Empty = Literal["refuse", "quarantine", "allow"]
Columns = Literal["quarantine", "allow"]
SecondPerson = Literal["nobody", "people", "all"]
EMPTY: tuple[Empty, ...] = ("refuse", "quarantine", "allow")
COLUMNS: tuple[Columns, ...] = ("quarantine", "allow")
SECOND_PERSON: tuple[SecondPerson, ...] = ("nobody", "people", "all")
OURS = "system:"
"""What the portal's own processes are named by as senders."""


@dataclass(frozen=True)
class Thresholds:
    """What becomes of an empty replacement, of one that loses more than `loss` of the rows (None: all may go), or a column."""

    empty: Empty = "refuse"
    loss: float | None = 0.5
    columns: Columns = "quarantine"


DEFAULT = Thresholds()


def thresholds(session: Session, package_id: str) -> Thresholds:
    """Those of a data set, or the ones that hold everywhere."""
    row = session.get(DeliveryRule, package_id)
    return Thresholds(row.empty, row.loss, row.columns) if row else DEFAULT  # type: ignore[arg-type]


def set_thresholds(session: Session, package_id: str, wanted: Thresholds, actor: str, agency: str | None) -> None:
    """Keep thresholds of a data set, with an event; nothing is committed."""
    old = thresholds(session, package_id)
    if old == wanted:
        return
    values = {"empty": wanted.empty, "loss": wanted.loss, "columns": wanted.columns}
    session.merge(DeliveryRule(package_id=package_id, **values))
    write_event(
        session,
        kind="dataset",
        object_id=package_id,
        verb="set_thresholds",
        actor=actor,
        agency=agency,
        old={"empty": old.empty, "loss": old.loss, "columns": old.columns},
        new=values,
    )


def second_person(session: Session, agency_id: str | None) -> SecondPerson:
    """Whose deliveries to the agency's data sets somebody else has to approve."""
    row = session.get(ApprovalRule, agency_id) if agency_id else None
    return row.second_person if row else "nobody"  # type: ignore[return-value]


def set_second_person(session: Session, agency_id: str, wanted: SecondPerson, actor: str) -> None:
    """Keep the agency's setting, with an event; nothing is committed."""
    old = second_person(session, agency_id)
    if old == wanted:
        return
    session.merge(ApprovalRule(agency_id=agency_id, second_person=wanted))
    write_event(
        session,
        kind="agency",
        object_id=agency_id,
        verb="set_second_person",
        actor=actor,
        agency=agency_id,
        old={"second_person": old},
        new={"second_person": wanted},
    )


def needs_second_person(session: Session, delivery: Delivery) -> bool:
    """Whether somebody other than the sender has to approve."""
    return wants_second_person(session, delivery.owner_org, delivery.sender)


def wants_second_person(session: Session, agency_id: str | None, sender: str) -> bool:
    """The same for a delivery that is to come; the portal's own processes are machines like systems."""
    rule = second_person(session, agency_id)
    machine = systems.is_actor(sender) or sender.startswith(OURS)
    return rule == "all" or (rule == "people" and not machine)


def refuse_own(session: Session, delivery: Delivery, actor: str) -> None:
    """Raise KzError publishing.own_delivery where the agency wants a second person and `actor` is the sender."""
    if actor == delivery.sender and needs_second_person(session, delivery):
        raise KzError("publishing.own_delivery")

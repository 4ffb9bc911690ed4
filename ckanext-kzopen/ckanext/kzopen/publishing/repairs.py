"""Repairs that people accepted for the files of a data set: remembered for every later delivery, until they are taken back.

Those that lose rows or invent digits hold for one delivery alone (`validation.repairs.model.OF_ONE_FILE`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import uuid4

from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.publishing import inbox, receive
from ckanext.kzopen.publishing.model import AcceptedRepair, Delivery, Passport
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.validation.repairs.model import OF_ONE_FILE
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

Key = tuple[str, str | None]
ALTERNATIVES = ("encoding",)
"""Kinds of which a file has one: the last that a person chose holds."""


def accepted(session: Session, package_id: str) -> list[AcceptedRepair]:
    """What people accepted for a data set, by kind and column."""
    wanted = select(AcceptedRepair).where(AcceptedRepair.package_id == package_id)
    return list(session.scalars(wanted.order_by(AcceptedRepair.kind, AcceptedRepair.field)))


def keys(session: Session, delivery: Delivery) -> set[Key]:
    """What is to be mended in a delivery, as keys of `validation.repairs.model.Repair`: what people accepted for its data set,
    and for it alone."""
    return remembered(session, delivery.package_id) | once(delivery)


def remembered(session: Session, package_id: str) -> set[Key]:
    """What people accepted for all files of a data set."""
    return {(row.kind, row.field or None) for row in accepted(session, package_id)}


def once(delivery: Delivery) -> set[Key]:
    """What a person accepted for this delivery alone."""
    return {(str(kind), field) for kind, field in delivery.repairs}


def offered(delivery: Delivery) -> dict[str, Key]:
    """The repairs that the report of a delivery offers, by the value that its form sends."""
    found = (delivery.report or {}).get("repairs") or []
    return {value_of(repair): (repair["kind"], repair["field"]) for repair in found if not repair["done"]}


def value_of(repair: dict[str, Any]) -> str:
    """How the form names a repair."""
    return f"{repair['kind']}:{repair['field'] or ''}"


def accept(session: Session, delivery: Delivery, wanted: Collection[Key], actor: str, address: str | None) -> None:
    """Remember repairs for the data set of a delivery, but for those of one file, with an event for each new one; the caller
    commits."""
    known = remembered(session, delivery.package_id)
    for kind, field in sorted(set(_one_of_each(wanted)) - known, key=str):
        if kind in OF_ONE_FILE:
            _note_of_one_file(session, delivery, (kind, field), actor, address)
            continue
        if kind in ALTERNATIVES:
            others = AcceptedRepair.package_id == delivery.package_id, AcceptedRepair.kind == kind
            session.execute(delete(AcceptedRepair).where(*others))
        row = {"package_id": delivery.package_id, "kind": kind, "field": field or "", "actor": actor}
        session.execute(insert(AcceptedRepair).values(row).on_conflict_do_nothing())
        new = {"kind": kind, "field": field}
        write_event(
            session, kind="dataset", object_id=delivery.package_id, verb="accept_repair", actor=actor, address=address,
            agency=delivery.owner_org, new=new,
        )  # fmt: skip


def _note_of_one_file(session: Session, delivery: Delivery, key: Key, actor: str, address: str | None) -> None:
    """The event tells which delivery it was whose bytes are mended so."""
    new = {"kind": key[0], "field": key[1], "delivery": str(delivery.id)}
    write_event(
        session, kind="dataset", object_id=delivery.package_id, verb="accept_repair", actor=actor, address=address,
        agency=delivery.owner_org, new=new,
    )  # fmt: skip


def _one_of_each(wanted: Collection[Key]) -> list[Key]:
    """Without the further ones of a kind of which only one can be."""
    first = {kind: (kind, field) for kind, field in reversed(list(wanted)) if kind in ALTERNATIVES}
    return [*(key for key in wanted if key[0] not in ALTERNATIVES), *first.values()]


def forget(session: Session, passport: Passport, kind: str, field: str, actor: str, agency: str | None) -> None:
    """Take a consent back: later files are not mended so any more; the caller commits."""
    where = AcceptedRepair.package_id == passport.package_id, AcceptedRepair.kind == kind, AcceptedRepair.field == field
    if session.execute(delete(AcceptedRepair).where(*where)).rowcount:  # type: ignore[attr-defined]
        old = {"kind": kind, "field": field or None}
        write_event(
            session, kind="dataset", object_id=passport.package_id, verb="forget_repair", actor=actor, agency=agency, old=old
        )


def again(
    session: Session,
    site: Site,
    delivery: Delivery,
    passport: Passport,
    wanted: Collection[Key],
    actor: str,
    address: str | None,
) -> Delivery:
    """Deliver the bytes of a delivery once more, to be checked with the repairs that are accepted now; commits. What is wanted
    for one file alone goes with them, with what the first delivery had of that.

    The first one stays refused, or waits: deliveries are the record of what came.
    """
    sending = receive.Sending(
        mode=delivery.mode, sender=actor, source="staff", check_only=True, media_type=delivery.media_type,
        file_name=delivery.file_name, key=uuid4().hex, address=address,
        repairs=sorted(once(delivery) | {key for key in wanted if key[0] in OF_ONE_FILE}, key=str),
    )  # fmt: skip
    with inbox.stored_file(site.files_url, delivery.path).open("rb") as body:
        return receive.deliver(session, site.files_url, passport, sending, body, site.largest).delivery

"""The order to withdraw: the first transaction, after which nobody who asks PostgreSQL finds the thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core import jobs, record, states
from ckanext.kzopen.core.texts import LANGUAGES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal.model import Withdrawal
from ckanext.kzopen.core.withdrawal.places import places
from ckanext.kzopen.core.withdrawal.things import Thing
from ckanext.kzopen.core.withdrawal.tombstones import tombstone
from sqlalchemy import text
from sqlalchemy.orm import Session

LONGEST = 2000
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.withdrawal:' || :thing, 0))")


@dataclass(frozen=True)
class Order:
    """Why a thing is withdrawn and by whom (a user's id); `reason` in one to three languages, all of which become public.

    `at` is given where an earlier order is given again, to a portal restored from a backup.
    """

    reason: Mapping[str, str]
    actor: str
    law: str | None = None
    keep_title: bool = False
    address: str | None = None
    at: datetime | None = None


def cleaned_reason(reason: Mapping[str, Any]) -> dict[str, str]:
    """The languages in which a reason is given; KzError withdrawal.reason_missing or withdrawal.too_long."""
    found = {language: str(reason.get(language) or "").strip() for language in LANGUAGES}
    given = {language: words for language, words in found.items() if words}
    if not given:
        raise KzError("withdrawal.reason_missing")
    if any(len(words) > LONGEST for words in given.values()):
        raise KzError("withdrawal.too_long", limit=LONGEST)
    return given


def order(session: Session, thing: Thing, given: Order) -> Withdrawal:
    """Hide the thing in the caller's transaction and defer the rest; ordered twice, the first order stands.

    The caller has checked the right. The tombstone, the event, the leaf and all places that work `at_once` are in this
    transaction; what the record tells is the order, never the content.
    """
    session.execute(_LOCK, {"thing": f"{thing.kind}/{thing.id}"})
    earlier = tombstone(session, thing.kind, thing.id)
    if earlier is not None:
        return earlier
    now = datetime.now(UTC)
    row = _tombstone(thing, given, given.at or now)
    states.begin(session, "withdrawal", row, given.actor, at=now, address=given.address)
    record.append(session, "withdrawal", str(row.id), _told(row), at=now)
    for place in places():
        if place.at_once:
            place.take_out(session, row.thing)
    jobs.defer(session, "withdrawal.spread", number=str(row.id))
    return row


def _tombstone(thing: Thing, given: Order, at: datetime) -> Withdrawal:
    return Withdrawal(
        kind=thing.kind,
        object_id=thing.id,
        name=thing.name,
        agency=thing.agency,
        parts=dict(thing.parts),
        public=thing.public,
        title=dict(thing.title) if given.keep_title else None,
        reason=cleaned_reason(given.reason),
        law=(given.law or "").strip()[:LONGEST] or None,
        actor=given.actor,
        at=at,
        out_of={},
    )


def _told(row: Withdrawal) -> dict[str, Any]:
    """What the public record tells of the order."""
    told = {"kind": row.kind, "object": row.object_id, "name": row.name, "reason": row.reason, "law": row.law}
    return told | {"actor": row.actor, "agency": row.agency}

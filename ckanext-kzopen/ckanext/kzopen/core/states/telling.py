"""What a change leaves behind: the event, the leaf where it is part of the public record, the outbox row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.record import append, write_event
from ckanext.kzopen.core.record.events import AnySession, recorded
from sqlalchemy import inspect


@dataclass(frozen=True)
class Changed:
    """What a change did; `event` is its number in the event log, `leaf` its id in the public record, if it is part of that."""

    kind: str
    id: str
    transition: str
    old: str | None
    new: str
    at: datetime
    event: int
    leaf: UUID | None = None


@dataclass(frozen=True)
class Act:
    """Who does what to which kind of object, when, from which address, why, in whose place, and who is to be told."""

    kind: str
    transition: str
    actor: str
    at: datetime
    address: str | None
    reason: str | None = None
    in_place_of: str | None = None
    notify: tuple[str, ...] = ()
    record: bool = False


def tell(session: AnySession, act: Act, row: Any, old: dict[str, Any] | None, new: dict[str, Any]) -> Changed:
    """Write it all, in the caller's transaction; the row is changed already."""
    key = "/".join(str(part) for part in inspect(row).identity)
    event = write_event(
        session,
        kind=act.kind,
        object_id=key,
        verb=act.transition,
        actor=act.actor,
        at=act.at,
        address=act.address,
        agency=agency_of(row),
        in_place_of=act.in_place_of,
        old=old,
        new=new,
        reason=act.reason,
    )
    before = old["state"] if old else None
    leaf = _leaf(session, act, key, event, before, new) if act.record else None
    payload = {"from": before, "to": new["state"], "event": event, "notify": list(act.notify)}
    outbox.emit(session, f"{act.kind}.{act.transition}", key, payload)
    return Changed(act.kind, key, act.transition, before, new["state"], act.at, event, leaf)


def agency_of(row: Any) -> str | None:
    """The id of the agency that the row belongs to, if it tells one."""
    return getattr(row, "agency_id", None) or getattr(row, "owner_org", None)


def _leaf(session: AnySession, act: Act, key: str, event: int, before: str | None, new: dict[str, Any]) -> UUID:
    """What the public record tells of a change; long texts are told as their SHA-256, like in the event log."""
    fields = {name: value for name, value in (recorded(new) or {}).items() if name != "state"}
    told = {"transition": act.transition, "from": before, "to": new["state"], "fields": fields}
    told |= {"actor": act.actor, "reason": act.reason, "event": event}
    return append(session, act.kind, key, told, at=act.at).id

"""What a change leaves behind: the event, the leaf where it is part of the public record, the outbox row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.record import append_all, write_events
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


@dataclass(frozen=True)
class Told:
    """An act on a row, which is changed already, and what it changed; `old` is None for a row that is new."""

    act: Act
    row: Any
    old: dict[str, Any] | None
    new: dict[str, Any]

    @property
    def before(self) -> str | None:
        return self.old["state"] if self.old else None

    @property
    def key(self) -> str:
        return "/".join(str(part) for part in inspect(self.row).identity)


def tell(session: AnySession, one: Told) -> Changed:
    """Write it all, in the caller's transaction."""
    return tell_all(session, [one])[0]


def tell_all(session: AnySession, several: Sequence[Told]) -> list[Changed]:
    """`tell` for the same act on several rows, in three statements."""
    numbers = write_events(session, [_event(one) for one in several])
    pairs = list(zip(several, numbers, strict=True))
    leaves: list[UUID | None] = [None] * len(pairs)
    if several[0].act.record:
        told = [(one.act.kind, one.key, _recorded(one, event)) for one, event in pairs]
        leaves = [leaf.id for leaf in append_all(session, told, at=several[0].act.at)]
    outbox.emit_all(session, [_news(one, event) for one, event in pairs])
    return [_changed(one, event, leaf) for (one, event), leaf in zip(pairs, leaves, strict=True)]


def _event(one: Told) -> dict[str, Any]:
    act = one.act
    told = {"kind": act.kind, "object_id": one.key, "verb": act.transition, "actor": act.actor, "at": act.at}
    told |= {"address": act.address, "agency": agency_of(one.row), "in_place_of": act.in_place_of}
    return told | {"old": one.old, "new": one.new, "reason": act.reason}


def _news(one: Told, event: int) -> outbox.News:
    payload = {"from": one.before, "to": one.new["state"], "event": event, "notify": list(one.act.notify)}
    return f"{one.act.kind}.{one.act.transition}", one.key, payload


def _changed(one: Told, event: int, leaf: UUID | None) -> Changed:
    act = one.act
    return Changed(act.kind, one.key, act.transition, one.before, one.new["state"], act.at, event, leaf)


def agency_of(row: Any) -> str | None:
    """The id of the agency that the row belongs to, if it tells one."""
    return getattr(row, "agency_id", None) or getattr(row, "owner_org", None)


def _recorded(one: Told, event: int) -> dict[str, Any]:
    """What the public record tells of a change; long texts are told as their SHA-256, like in the event log."""
    act, fields = one.act, {name: value for name, value in (recorded(one.new) or {}).items() if name != "state"}
    told = {"transition": act.transition, "from": one.before, "to": one.new["state"], "fields": fields}
    return told | {"actor": act.actor, "reason": act.reason, "event": event}

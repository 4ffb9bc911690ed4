"""The event log: who did what, when, from where, to which object, why; written in the caller's transaction.

Actors and objects are told by their ids, never by name, e-mail or IIN: the log outlives an account, personal data must not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ckanext.kzopen.core.record.model import Event
from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session, scoped_session

AnySession = Session | scoped_session[Any]
LONGEST = 1000
"""Characters of a text that an event keeps as it is; what is longer is told as its SHA-256."""


def write_event(
    session: AnySession,
    *,
    kind: str,
    object_id: str,
    verb: str,
    actor: str | None,
    at: datetime | None = None,
    address: str | None = None,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> int:
    """Append one event and return its number; `at` is the database's time of the transaction when it is not given."""
    values: dict[str, Any] = {"kind": kind, "object_id": object_id, "verb": verb, "actor": actor}
    values |= {"address": address, "reason": reason, "old": recorded(old), "new": recorded(new)}
    if at is not None:
        values["at"] = at
    return session.execute(insert(Event).values(**values).returning(Event.id)).scalar_one()


def recorded(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Values as the log keeps them: short ones as they are, long texts and structures as `sha256:…` of their JSON."""
    return None if values is None else {name: _recorded(value) for name, value in values.items()}


def _recorded(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, str) and len(value) <= LONGEST:
        return value
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def events(
    session: AnySession,
    *,
    kind: str | None = None,
    object_id: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
    limit: int | None = 100,
) -> list[Event]:
    """Events in the order in which they were written, by any of these; `after` is the number of the last one seen."""
    return list(session.scalars(_select(kind, object_id, actor, since, until, after).limit(limit)))


def json_lines(session: AnySession, **filters: Any) -> Iterator[str]:
    """The chosen events (filters of `events`, without limit) as one JSON object a line, read in batches."""
    chosen = {"kind": None, "object_id": None, "actor": None, "since": None, "until": None, "after": 0} | filters
    for event in session.scalars(_select(**chosen).execution_options(yield_per=1000)):
        yield json.dumps(as_dict(event), ensure_ascii=False) + "\n"


def as_dict(event: Event) -> dict[str, Any]:
    """An event as plain data; `at` in ISO 8601 with its zone."""
    names = ("id", "at", "actor", "address", "kind", "object_id", "verb", "old", "new", "reason")
    return {name: _plain(getattr(event, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | dict) else str(value)


def _select(
    kind: str | None,
    object_id: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
    after: int,
) -> Select[tuple[Event]]:
    query = select(Event).where(Event.id > after).order_by(Event.id)
    wanted = ((Event.kind, kind), (Event.object_id, object_id), (Event.actor, actor))
    for column, value in wanted:
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(Event.at >= since)
    return query if until is None else query.where(Event.at < until)

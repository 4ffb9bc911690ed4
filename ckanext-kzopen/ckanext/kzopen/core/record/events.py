"""The event log: who did what, when, from where, to which object, why; written in the caller's transaction.

Actors and objects are told by their ids, never by name, e-mail or IIN: the log outlives an account, personal data must not.
How long an event is kept is told in `schemas/keeping.yaml` (see `keeping`); that none is changed or missing, by `sealing`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ckanext.kzopen.core.record.model import Event
from flask import has_request_context, request
from sqlalchemy import Select, Table, insert, or_, select
from sqlalchemy.orm import Session, scoped_session

AnySession = Session | scoped_session[Any]
LONGEST = 1000
"""Characters of a text that an event keeps as it is; what is longer is told as its SHA-256."""
READ = "read"
"""The verb of an event that tells of personal data having been read."""
_TABLE: Table = Event.metadata.tables["kzopen.event"]
# Of the table, not of the class: every change of a state writes an event, and the ORM's own insert takes four times as long.
_INSERT = insert(_TABLE).returning(_TABLE.c.id, sort_by_parameter_order=True)


def write_event(
    session: AnySession,
    *,
    kind: str,
    object_id: str,
    verb: str,
    actor: str | None,
    at: datetime | None = None,
    address: str | None = None,
    agency: str | None = None,
    in_place_of: str | None = None,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> int:
    """Append one event and return its number.

    `at` is the database's time of the transaction when it is not given, `address` that of the running request, if any.
    """
    values: dict[str, Any] = {"kind": kind, "object_id": object_id, "verb": verb, "actor": actor, "agency": agency}
    values |= {"address": address, "in_place_of": in_place_of, "reason": reason, "old": old, "new": new, "at": at}
    return write_events(session, [values])[0]


def write_events(session: AnySession, several: Sequence[Mapping[str, Any]]) -> list[int]:
    """Append one event for each of these, in one statement, and return their numbers, in their order.

    Each has the values of `write_event`; what is None in one of them is None in all.
    """
    return list(session.execute(_INSERT, [_row(values) for values in several]).scalars())


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of an event, without what is None."""
    row = {**values, "old": recorded(values["old"]), "new": recorded(values["new"])}
    row["address"] = values["address"] or _address()
    return {name: value for name, value in row.items() if value is not None}


def _address() -> str | None:
    return request.remote_addr if has_request_context() else None


def read_of_personal_data(
    session: AnySession,
    *,
    actor: str,
    kind: str,
    object_id: str,
    fields: Iterable[str],
    reason: str | None = None,
    agency: str | None = None,
    people: Iterable[str] = (),
    count: int = 1,
) -> int:
    """Note that `actor` has read these fields of somebody; call it where the data leaves the portal's code, then commit.

    `kind` and `object_id` name whose data it was, or the thing that holds it; of a list `count` says how many people it was,
    and `people` who, by their ids. The values themselves are not noted.
    """
    read: dict[str, Any] = {"fields": ", ".join(sorted(fields))}
    if count != 1:
        read["count"] = count
    if listed := ", ".join(people):
        read["people"] = listed
    return write_event(session, kind=kind, object_id=object_id, verb=READ, actor=actor, new=read, reason=reason, agency=agency)


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


def events(session: AnySession, *, limit: int | None = 100, newest_first: bool = False, **filters: Any) -> list[Event]:
    """Events in the order in which they were written, or the last first; filters are those of `chosen`."""
    query = chosen(**filters)
    if newest_first:
        query = query.order_by(None).order_by(Event.id.desc())
    return list(session.scalars(query.limit(limit)))


def json_lines(session: AnySession, **filters: Any) -> Iterator[str]:
    """The chosen events, without limit, as one JSON object a line, read in batches."""
    for event in session.scalars(chosen(**filters).execution_options(yield_per=1000)):
        yield line_of(event)


def line_of(event: Event) -> str:
    """An event as a line of JSON, the form in which it is exported and sealed."""
    return json.dumps(as_dict(event), ensure_ascii=False) + "\n"


NAMES = (
    *("id", "at", "actor", "in_place_of", "address", "agency"),
    *("kind", "object_id", "verb", "old", "new", "reason"),
)
"""The members of a line, in their order; sealed lines are hashed so, therefore it must stay."""


def as_dict(event: Event) -> dict[str, Any]:
    """An event as plain data; `at` in ISO 8601, UTC."""
    return {name: _plain(getattr(event, name)) for name in NAMES}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if value is None or isinstance(value, bool | int | float | dict) else str(value)


def chosen(
    *,
    kind: str | None = None,
    object_id: str | None = None,
    actor: str | None = None,
    verb: str | None = None,
    agencies: Iterable[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
    before: int | None = None,
) -> Select[tuple[Event]]:
    """The query of events by any of these.

    `actor` is who did it or in whose place it was done; `after` and `before` are the number of the last one seen; `until` is
    exclusive; `agencies` is a list of ids (empty: none), None for all events, also those of no agency.
    """
    query = select(Event).where(Event.id > after).order_by(Event.id)
    for column, value in ((Event.kind, kind), (Event.object_id, object_id), (Event.verb, verb)):
        query = query if value is None else query.where(column == value)
    if actor is not None:
        query = query.where(or_(Event.actor == actor, Event.in_place_of == actor))
    if agencies is not None:
        query = query.where(Event.agency.in_(list(agencies)))
    conditions = []
    conditions += [Event.at >= since] if since is not None else []
    conditions += [Event.at < until] if until is not None else []
    conditions += [Event.id < before] if before is not None else []
    return query.where(*conditions)

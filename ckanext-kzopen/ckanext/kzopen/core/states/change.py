"""The one way in which anything changes its state: lock, check, set, event, leaf, outbox, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core.law.states import SYSTEM, Machine, Transition
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.states.guards import guard_named
from ckanext.kzopen.core.states.machines import machine_of
from ckanext.kzopen.core.states.telling import Act, Changed, Told, tell, tell_all
from ckanext.kzopen.core.web.errors import KzError

Allowed = Callable[[str, str, Any], bool]
"""Takes the actor, the right `section.verb` and the row."""


def begin(
    session: AnySession,
    kind: str,
    row: Any,
    actor: str,
    at: datetime | None = None,
    address: str | None = None,
    allowed: Allowed = rights.allowed,
    **told: Any,
) -> Changed:
    """Store a new row in its kind's first state, with the event `create` and the topic `<kind>.create`.

    Where the YAML says `begin: {record: yes}` the beginning is a leaf, and `told` is what it and the event tell of the new
    object besides its state. Raises KzError web.not_allowed without the right that `begin` names.
    """
    one = _begun(kind, row, actor, at, address, allowed, told)
    session.add(row)
    session.flush()
    return tell(session, one)


def change(
    session: AnySession,
    kind: str,
    row: Any,
    transition: str,
    actor: str,
    at: datetime | None = None,
    reason: str | None = None,
    address: str | None = None,
    allowed: Allowed = rights.allowed,
    **fields: Any,
) -> Changed:
    """Take `row` through `transition` and set `fields` on it; nothing is committed.

    `actor` is the id of a user, or `system:<process>` where the YAML says `by: system`. `allowed` decides on the right that
    the transition names, for the row's agency: the roles of the actor do, unless the caller has another way. Raises KzError:
    states.unknown_transition, states.wrong_state, states.field_required, web.not_allowed, or what a guard has against it;
    then the row is unchanged.
    """
    machine = machine_of(kind)
    _transition(machine, transition)
    _lock(session, row)
    one = _changed(kind, row, transition, actor, at, reason, address, allowed, fields)
    session.flush()
    return tell(session, one)


def begin_all(
    session: AnySession,
    kind: str,
    rows: Sequence[Any],
    actor: str,
    ways: Sequence[tuple[str, str, Sequence[Mapping[str, Any]]]],
) -> None:
    """`begin` for new rows, then `change` through one transition after the other, before anybody could see them: in few
    statements, however many they are. Each of `ways` is a transition, its actor, and the fields of each row."""
    at = datetime.now(UTC)
    begun = [_begun(kind, row, actor, at, None, rights.allowed, {}) for row in rows]
    changed = [
        [_changed(kind, row, way, who, at, None, None, rights.allowed, given) for row, given in zip(rows, fields, strict=True)]
        for way, who, fields in ways
    ]
    session.add_all(rows)
    session.flush()
    for several in (begun, *changed):
        tell_all(session, several)


def _begun(
    kind: str, row: Any, actor: str, at: datetime | None, address: str | None, allowed: Allowed, told: Mapping[str, Any]
) -> Told:
    """Put a row into its first state."""
    machine = machine_of(kind)
    beginning = machine.begin
    for_whom = _for_whom(beginning.by, actor, row, allowed)
    row.state = machine.initial
    act = Act(kind, "create", actor, at or datetime.now(UTC), address, None, for_whom, beginning.notify, beginning.record)
    return Told(act, row, None, {"state": row.state, **told})


def _changed(
    kind: str,
    row: Any,
    transition: str,
    actor: str,
    at: datetime | None,
    reason: str | None,
    address: str | None,
    allowed: Allowed,
    fields: Mapping[str, Any],
) -> Told:
    """Put a row into the state to which the transition leads, unless something stands against it."""
    machine, at = machine_of(kind), at or datetime.now(UTC)
    way = _transition(machine, transition)
    _check_state(machine, transition, row)
    for_whom = _for_whom(way.by, actor, row, allowed)
    _check_fields(machine, transition, row, {**fields, "reason": reason}, at)
    act = Act(kind, transition, actor, at, address, reason, for_whom, way.notify, way.record)
    old = {"state": row.state} | {name: getattr(row, name) for name in fields}
    for name, value in fields.items():
        setattr(row, name, value)
    row.state = way.to
    return Told(act, row, old, {"state": way.to, **fields})


def possible(kind: str, row: Any, actor: str, allowed: Allowed = rights.allowed) -> list[str]:
    """The transitions that this actor may start from the row's state; the buttons of its page."""
    ways = machine_of(kind).transitions_from(row.state)
    return [name for name, way in ways.items() if way.by != SYSTEM and allowed(actor, way.by, row)]


def _transition(machine: Machine, name: str) -> Transition:
    if name not in machine.transitions:
        raise KzError("states.unknown_transition", kind=machine.label, transition=name)
    return machine.transitions[name]


def _lock(session: AnySession, row: Any) -> None:
    """Read the row again under a lock that other changes of it wait for, but new rows that refer to it do not."""
    session.flush()
    session.refresh(row, with_for_update={"key_share": True})


def _check_state(machine: Machine, transition: str, row: Any) -> None:
    if row.state not in machine.transitions[transition].origins:
        label, state = machine.label_of(transition), machine.states[row.state].label
        raise KzError("states.wrong_state", transition=label, state=state, current=row.state)


def _for_whom(right: str | None, actor: str, row: Any, allowed: Allowed) -> str | None:
    """Raise web.not_allowed without the right; else the id of whom the actor substitutes, if it is not their own right."""
    if right in (None, SYSTEM):
        return None
    if not allowed(actor, str(right), row):
        raise KzError("web.not_allowed", right=right)
    return rights.acting_for(actor, str(right), row) if allowed is rights.allowed else None


def _check_fields(machine: Machine, transition: str, row: Any, given: Mapping[str, Any], at: datetime) -> None:
    """Raise what stands against the act: a field that is missing, then the guards."""
    way = machine.transitions[transition]
    missing = [field for field in way.requires if _empty(given.get(field)) and _empty(getattr(row, field, None))]
    if missing:
        raise KzError("states.field_required", transition=machine.label_of(transition), fields=missing)
    for guard in way.guards:
        if (objection := guard_named(guard)(row, given, at)) is not None:
            raise objection


def _empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())

"""The one way in which anything changes its state: lock, check, set, event, leaf, outbox, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core.law.states import SYSTEM, Machine, Transition
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.states.guards import guard_named
from ckanext.kzopen.core.states.machines import machine_of
from ckanext.kzopen.core.states.telling import Act, Changed, tell
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
    allowed: Allowed | None = None,
    **told: Any,
) -> Changed:
    """Store a new row in its kind's first state, with the event `create` and the topic `<kind>.create`.

    Where the YAML says `begin: {record: yes}` the beginning is a leaf, and `told` is what it and the event tell of the new
    object besides its state. Raises KzError web.not_allowed without the right that `begin` names.
    """
    machine = machine_of(kind)
    beginning = machine.begin
    if beginning.by not in (None, SYSTEM) and allowed is not None and not allowed(actor, str(beginning.by), row):
        raise KzError("web.not_allowed", right=beginning.by)
    row.state = machine.initial
    session.add(row)
    session.flush()
    act = Act(kind, "create", actor, at or datetime.now(UTC), address, None, beginning.notify, beginning.record)
    return tell(session, act, row, None, {"state": row.state} | told)


def change(
    session: AnySession,
    kind: str,
    row: Any,
    transition: str,
    actor: str,
    at: datetime | None = None,
    reason: str | None = None,
    address: str | None = None,
    allowed: Allowed | None = None,
    **fields: Any,
) -> Changed:
    """Take `row` through `transition` and set `fields` on it; nothing is committed.

    `actor` is the id of a user, or `system:<process>` where the YAML says `by: system`. `allowed` decides on the right that
    the transition names; without it the caller has checked the right already. Raises KzError: states.unknown_transition,
    states.wrong_state, states.field_required, web.not_allowed, or what a guard has against it; then the row is unchanged.
    """
    machine = machine_of(kind)
    way = _transition(machine, transition)
    _lock(session, row)
    act = Act(kind, transition, actor, at or datetime.now(UTC), address, reason, way.notify, way.record)
    _check(machine, way, act, row, {**fields, "reason": reason}, allowed)
    old = {"state": row.state} | {name: getattr(row, name) for name in fields}
    for name, value in fields.items():
        setattr(row, name, value)
    row.state = way.to
    session.flush()
    return tell(session, act, row, old, {"state": way.to} | fields)


def possible(kind: str, row: Any, actor: str, allowed: Allowed | None = None) -> list[str]:
    """The transitions that people may start from the row's state; with `allowed`, those that this actor may."""
    ways = machine_of(kind).transitions_from(row.state)
    return [name for name, way in ways.items() if way.by != SYSTEM and (allowed is None or allowed(actor, way.by, row))]


def _transition(machine: Machine, name: str) -> Transition:
    if name not in machine.transitions:
        raise KzError("states.unknown_transition", kind=machine.label, transition=name)
    return machine.transitions[name]


def _lock(session: AnySession, row: Any) -> None:
    """Read the row again under a lock that other changes of it wait for, but new rows that refer to it do not."""
    session.flush()
    session.refresh(row, with_for_update={"key_share": True})


def _check(
    machine: Machine,
    way: Transition,
    act: Act,
    row: Any,
    given: Mapping[str, Any],
    allowed: Allowed | None,
) -> None:
    """Raise what stands against the act: the state, the right, a field that is missing, a guard; in this order."""
    label = machine.label_of(act.transition)
    if row.state not in way.origins:
        raise KzError("states.wrong_state", transition=label, state=machine.states[row.state].label, current=row.state)
    if way.by != SYSTEM and allowed is not None and not allowed(act.actor, way.by, row):
        raise KzError("web.not_allowed", right=way.by)
    missing = [field for field in way.requires if _empty(given.get(field)) and _empty(getattr(row, field, None))]
    if missing:
        raise KzError("states.field_required", transition=label, fields=missing)
    for guard in way.guards:
        if (objection := guard_named(guard)(row, given, act.at)) is not None:
            raise objection


def _empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())

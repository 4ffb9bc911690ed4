"""Systems registered, changed and closed; handed over to the successor of their agency."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core.agencies import ownership
from ckanext.kzopen.core.people.systems.described import Described
from ckanext.kzopen.core.people.systems.model import AnySession, System, tokens_of
from ckanext.kzopen.core.people.systems.tokens import revoke
from ckanext.kzopen.core.record import write_event
from sqlalchemy import select

BATCH = 200


def register(session: AnySession, agency_id: str, described: Described, actor: str) -> System:
    """A new system of an agency; nothing is committed."""
    system = System(agency_id=agency_id, **described.model_dump())
    session.add(system)
    session.flush()
    _tell(session, system, "register", actor, new=described.model_dump())
    return system


def change(session: AnySession, system: System, described: Described, actor: str) -> None:
    """Describe a system anew; nothing is committed, and nothing is written where nothing is different."""
    session.refresh(system, with_for_update=True)
    new = described.model_dump()
    old = {name: getattr(system, name) for name in new if getattr(system, name) != new[name]}
    if not old:
        return
    for name in old:
        setattr(system, name, new[name])
    session.flush()
    _tell(session, system, "change", actor, old=old, new={name: new[name] for name in old})


def close(session: AnySession, system: System, actor: str, reason: str | None = None) -> None:
    """End a system for good: its tokens are revoked at once. Nothing is committed."""
    session.refresh(system, with_for_update=True)
    if system.closed is not None:
        return
    for token in tokens_of(session, system):
        revoke(session, system, token, actor, reason)
    system.closed = datetime.now(UTC)
    session.flush()
    _tell(session, system, "close", actor, reason=reason)


def hand_over(session: Any, from_agency: str, to_agency: str) -> int:
    """Systems go over to the successor with their tokens, at most BATCH at once; they go on publishing what went over too."""
    found = list(session.scalars(select(System).where(System.agency_id == from_agency).limit(BATCH)))
    for system in found:
        system.agency_id = to_agency
    ownership.remember(session, "information_system", [str(system.id) for system in found], from_agency, to_agency)
    session.flush()
    return len(found)


def _tell(
    session: AnySession,
    system: System,
    verb: str,
    actor: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    write_event(
        session,
        kind="information_system",
        object_id=str(system.id),
        verb=verb,
        actor=actor,
        agency=system.agency_id,
        old=old,
        new=new,
        reason=reason,
    )


ownership.register("information_systems", hand_over)

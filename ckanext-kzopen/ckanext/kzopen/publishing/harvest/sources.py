"""Sources as people handle them: made, changed, switched on and off, closed. Every change is an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ckan import model
from ckanext.kzopen.core import states
from ckanext.kzopen.core.people import programs, rights
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import schedule, settings
from ckanext.kzopen.publishing.harvest.mistakes import Gathered, Mistakes
from ckanext.kzopen.publishing.harvest.model import Source, source_named
from sqlalchemy.orm import Session

ACTOR = "harvest:"
NAME = re.compile(r"[a-z0-9_-]{2,60}")
SEE, CHANGE, RUN = "harvest.see", "harvest.change", "harvest.run"


def actor_of(source: Source) -> str:
    """How the event log and deliveries name a source."""
    return f"{ACTOR}{source.id}"


def _program(session: programs.AnySession, number: str) -> programs.Program | None:
    try:
        source = session.get(Source, UUID(number))
    except ValueError:
        return None
    return programs.Program(source.agency_id, source.title) if source is not None and source.state != "closed" else None


programs.register(ACTOR, _program)


@states.guard("harvest_previewed")
def previewed(row: Source, given: Mapping[str, Any], at: datetime) -> KzError | None:
    """A source is switched on only with the settings with which somebody has looked at its first items."""
    return None if row.previewed == row.fingerprint else KzError("harvest.not_previewed")


def create(session: Session, actor: str, agency: str, given: Mapping[str, Any], address: str | None = None) -> Source:
    """Make a source (name, title, kind, settings, defaults, schedule, threshold) in the caller's transaction.

    `agency` is the owner's id or name. Raises Mistakes, or one KzError harvest.…, for all that is wrong with it;
    web.not_allowed without the right.
    """
    name, kind = str(given.get("name") or ""), str(given.get("kind") or "")
    mistakes = Gathered()
    with mistakes.more():
        _check_name(session, name)
    with mistakes.more():
        owner = _owner(agency)
    with mistakes.more():
        kept = settings.checked(kind, _object(given, "settings"), _object(given, "defaults"))
    with mistakes.more():
        described = _described(given, name)
    mistakes.refuse()
    source = Source(name=name, agency_id=owner, kind=kind, **described, **vars(kept))
    states.begin(session, "harvest_source", source, actor, address=address, name=name)
    return source


def _check_name(session: Session, name: str) -> None:
    if not NAME.fullmatch(name):
        raise KzError("harvest.bad_name")
    if source_named(session, name) is not None:
        raise KzError("harvest.name_is_taken", name=name)


def _owner(agency: str) -> str:
    """The id of the agency of that id or name."""
    if not agency:
        raise Mistakes({"agency": KzError("harvest.input_agency")})
    found = model.Group.get(agency)
    if found is None or not found.is_organization:
        raise KzError("publishing.unknown_owner", owner=agency)
    return str(found.id)


def _object(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name) or {}
    if not isinstance(found, Mapping):
        raise Mistakes({name: KzError("publishing.input_value")})
    return found


def change(session: Session, actor: str, source: Source, given: Mapping[str, Any], address: str | None = None) -> None:
    """Describe a source anew; when its settings differ it becomes a draft and is previewed again."""
    mistakes = Gathered()
    with mistakes.more():
        kept = settings.checked(source.kind, _object(given, "settings"), _object(given, "defaults"), old=source)
    with mistakes.more():
        described = _described(given, source.name)
    mistakes.refuse()
    if kept.fingerprint != source.fingerprint:
        fields = described | vars(kept) | {"next_run": None}
        states.change(session, "harvest_source", source, "change", actor, address=address, **fields)
        return
    rights.require(actor, CHANGE, source)
    old = {name: getattr(source, name) for name in described}
    for name, value in described.items():
        setattr(source, name, value)
    if source.state == "active":
        source.next_run = schedule.next_time(source.schedule, datetime.now(UTC))
    number, agency = str(source.id), source.agency_id
    write_event(
        session,
        kind="harvest_source",
        object_id=number,
        verb="describe",
        actor=actor,
        address=address,
        agency=agency,
        old=old,
        new=described,
    )


def _described(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    line = str(given.get("schedule") or "").strip()
    share = given.get("threshold")
    mistakes = Gathered()
    with mistakes.more():
        schedule.check(line)
    with mistakes.more():
        limits = settings.validated(settings.Limits, {} if share in (None, "") else {"threshold": share})
    mistakes.refuse()
    return {
        "title": str(given.get("title") or name).strip()[:300],
        "schedule": line,
        "threshold": limits.threshold,
    }


def switch(session: Session, actor: str, source: Source, way: str, reason: str, address: str | None = None) -> None:
    """What a person does with a source: switch_on, pause, close; KzError web.not_found for anything else."""
    if way == "switch_on":
        switch_on(session, actor, source, address)
    elif way == "pause":
        pause(session, actor, source, address)
    elif way == "close":
        close(session, actor, source, reason, address)
    else:
        raise KzError("web.not_found")


def switch_on(session: Session, actor: str, source: Source, address: str | None = None) -> None:
    """Let the source run by its schedule; KzError harvest.not_previewed before its first items were looked at."""
    due = schedule.next_time(source.schedule, datetime.now(UTC))
    states.change(session, "harvest_source", source, "switch_on", actor, address=address, next_run=due)


def pause(session: Session, actor: str, source: Source, address: str | None = None) -> None:
    """Let it rest; what was harvested stays."""
    states.change(session, "harvest_source", source, "pause", actor, address=address, next_run=None)


def close(session: Session, actor: str, source: Source, reason: str, address: str | None = None) -> None:
    """End it for ever; what was harvested stays and is the agency's own from then on."""
    states.change(session, "harvest_source", source, "close", actor, reason=reason, address=address)

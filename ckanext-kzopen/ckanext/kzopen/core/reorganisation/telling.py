"""The event and the outbox row of what happens to an agency without a change of its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckanext.kzopen.core import outbox
from ckanext.kzopen.core.agencies.model import Agency, AnySession
from ckanext.kzopen.core.record import write_event


def tell(
    session: AnySession, row: Agency, verb: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, actor: str
) -> None:
    """Write both in the caller's transaction; the topic is `agency.<verb>`."""
    event = write_event(session, kind="agency", object_id=row.id, verb=verb, actor=actor, old=old, new=new)
    outbox.emit(session, f"agency.{verb}", row.id, {"from": row.state, "to": row.state, "event": event, "notify": []})


def granted(_actor: str, _right: str, _row: Any) -> bool:
    """For `states.change` where the right was asked before: by the action's authorization function, or by CKAN."""
    return True

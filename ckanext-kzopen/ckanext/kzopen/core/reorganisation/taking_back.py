"""Names and places that were to come, and do not: the last planned one is taken back; the caller commits."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core import states
from ckanext.kzopen.core.agencies.model import Agency, AgencyName, AgencyParent, AnySession, today
from ckanext.kzopen.core.reorganisation import checks, store
from ckanext.kzopen.core.reorganisation.schema import Moving, Renaming
from ckanext.kzopen.core.reorganisation.telling import granted
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select


def name(session: AnySession, wanted: Renaming, actor: str) -> Agency:
    """The agency goes on with the name that holds before."""
    row = _locked(session, wanted.id)
    last = _planned(session, AgencyName, row)
    _cancel(session, row, "cancel_rename", actor, wanted.reason, last, store.title_of(last.name))
    return row


def place(session: AnySession, wanted: Moving, actor: str) -> Agency:
    """The agency goes on to answer to whom it answers before."""
    row = _locked(session, wanted.id)
    last = _planned(session, AgencyParent, row)
    _cancel(session, row, "cancel_move", actor, wanted.reason, last, last.parent)
    return row


def _cancel(
    session: AnySession, row: Agency, transition: str, actor: str, reason: str | None, last: Any, announced: str | None
) -> None:
    told: dict[str, Any] = {"effective": last.since, "announced": announced}
    states.change(session, "agency", row, transition, actor, reason=reason, allowed=granted, **told)
    session.delete(last)
    session.flush()


def _planned(session: AnySession, table: Any, row: Agency) -> Any:
    later = select(table).where(table.agency == row.id, table.since > today())
    last = session.scalars(later.order_by(table.since.desc()).limit(1)).first()
    if last is None:
        raise KzError("agencies.nothing_planned")
    return last


def _locked(session: AnySession, reference: str) -> Agency:
    row = checks.active(session, reference)
    session.refresh(row, with_for_update={"key_share": True})
    return row

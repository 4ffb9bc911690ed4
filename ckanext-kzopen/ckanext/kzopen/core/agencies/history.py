"""Whom an agency succeeded, and whose a thing was on a day."""

from __future__ import annotations

from datetime import datetime

from ckanext.kzopen.core.agencies.model import AgencyHandover, AnySession
from sqlalchemy import select, text

BEHIND = """
    WITH RECURSIVE behind AS (
        SELECT CAST(:agency AS text) AS id
        UNION SELECT a.id FROM behind JOIN kzopen.agency a ON a.successor = behind.id WHERE a.state = 'liquidated'
    )
"""
"""What `agencies_behind` gives, as the beginning of a statement; it takes the parameter `agency`."""
_BEHIND = text(f"{BEHIND} SELECT id FROM behind")  # noqa: S608 - a constant


def agencies_behind(session: AnySession, agency_id: str) -> frozenset[str]:
    """The agency itself and all that it succeeded, directly or not: those whose figures are shown with its own."""
    return frozenset(session.execute(_BEHIND, {"agency": agency_id}).scalars())


def owner_at(session: AnySession, kind: str, thing: str, now: str, at: datetime) -> str:
    """The agency that owned a thing at a moment, when today it is `now`: who handed it over first after that moment."""
    later = select(AgencyHandover.from_agency).where(
        AgencyHandover.kind == kind, AgencyHandover.thing == thing, AgencyHandover.at > at
    )
    return session.scalar(later.order_by(AgencyHandover.at).limit(1)) or now

"""Who answers to whom, today or on another day."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from ckanext.kzopen.core.agencies.model import AnySession
from sqlalchemy import TextClause, text

# UNION, not UNION ALL: a circle, which only a hand in the database could make, ends the search instead of going on for ever.
_BELOW = text(
    """
    WITH RECURSIVE below AS (
        SELECT CAST(:agency AS text) AS id
        UNION SELECT a.id FROM below JOIN kzopen.agency a ON a.parent = below.id WHERE a.state <> 'removed'
    )
    SELECT id FROM below
    """
)
_BELOW_THEN = text(
    """
    WITH RECURSIVE place AS (
        SELECT DISTINCT ON (agency) agency AS id, parent FROM kzopen.agency_parent WHERE since <= :at
        ORDER BY agency, since DESC
    ), below AS (
        SELECT CAST(:agency AS text) AS id UNION SELECT place.id FROM below JOIN place ON place.parent = below.id
    )
    SELECT id FROM below
    """
)
_BELOW_EACH = text(
    """
    WITH RECURSIVE below AS (
        SELECT top, top AS id FROM unnest(CAST(:agencies AS text[])) top
        UNION SELECT below.top, a.id FROM below JOIN kzopen.agency a ON a.parent = below.id WHERE a.state <> 'removed'
    )
    SELECT top, array_agg(id) FROM below GROUP BY top
    """
)
_ABOVE = text(
    """
    WITH RECURSIVE above AS (
        SELECT parent AS id, 1 AS step FROM kzopen.agency WHERE id = :agency
        UNION SELECT a.parent, step + 1 FROM above JOIN kzopen.agency a ON a.id = above.id WHERE step < :deepest
    )
    SELECT id FROM above WHERE id IS NOT NULL ORDER BY step
    """
)
_ABOVE_THEN = text(
    """
    WITH RECURSIVE place AS (
        SELECT DISTINCT ON (agency) agency AS id, parent FROM kzopen.agency_parent WHERE since <= :at
        ORDER BY agency, since DESC
    ), above AS (
        SELECT parent AS id, 1 AS step FROM place WHERE id = :agency
        UNION SELECT place.parent, step + 1 FROM above JOIN place ON place.id = above.id WHERE step < :deepest
    )
    SELECT id FROM above WHERE id IS NOT NULL ORDER BY step
    """
)
DEEPEST = 20


def subordinates(session: AnySession, agency_id: str, at: date | None = None) -> frozenset[str]:
    """The agency itself and all that answer to it, directly or not; today's without `at`.

    Liquidated ones stay where they were; those that CKAN's administrator deleted are left out of today's.
    """
    return frozenset(_ids(session, _BELOW if at is None else _BELOW_THEN, agency_id, at))


def subordinates_of_each(session: AnySession, agency_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Today's `subordinates` of each of these agencies, by one statement however many they are."""
    if not agency_ids:
        return {}
    found = session.execute(_BELOW_EACH, {"agencies": sorted(agency_ids)})
    return {top: frozenset(below) for top, below in found}


def ancestors(session: AnySession, agency_id: str, at: date | None = None) -> tuple[str, ...]:
    """Those to whom the agency answers, the nearest first, without itself; today's without `at`."""
    return tuple(dict.fromkeys(_ids(session, _ABOVE if at is None else _ABOVE_THEN, agency_id, at)))


def _ids(session: AnySession, query: TextClause, agency_id: str, at: date | None) -> list[str]:
    given = {"agency": agency_id, "at": at, "deepest": DEEPEST}
    known = {name: given[name] for name in query.compile().params}
    return list(session.execute(query, known).scalars())

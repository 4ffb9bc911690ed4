"""Figures of the publish path: versions that were published."""

from __future__ import annotations

from typing import Any

from ckanext.kzopen.core.figures import Figure, Period, Span, register
from sqlalchemy import text
from sqlalchemy.orm import Session

_VERSIONS = """
    FROM kzopen.version v JOIN package p ON p.id = v.package_id
    WHERE v.created >= :first AND v.created < :after AND v.withdrawn IS NULL AND NOT p.private AND p.state = 'active'
"""
_BY_AGENCY = text(f"SELECT coalesce(p.owner_org, '') AS agency, count(*) AS value {_VERSIONS} GROUP BY 1")
_ROWS = text(
    f"""
    SELECT v.uri AS dataset, v.number AS version, v.rows, v.created, p.owner_org AS agency {_VERSIONS}
        AND (CAST(:agencies AS text[]) IS NULL OR p.owner_org = ANY (CAST(:agencies AS text[])))
    ORDER BY v.created LIMIT 1000
    """
)


def versions_published(session: Session, span: Span) -> dict[str, int]:
    """How many versions of public tables each agency published."""
    first, after = span.moments
    return {row.agency: row.value for row in session.execute(_BY_AGENCY, {"first": first, "after": after})}


def the_versions(session: Session, span: Span, agencies: frozenset[str] | None) -> list[dict[str, Any]]:
    """These versions."""
    first, after = span.moments
    chosen = None if agencies is None else sorted(agencies)
    found = session.execute(_ROWS, {"first": first, "after": after, "agencies": chosen})
    return [dict(row._mapping) for row in found]


register(
    Figure(
        "versions_published",
        {"kk": "Жарияланған кесте нұсқалары", "ru": "Опубликованные версии таблиц", "en": "Published versions of tables"},
        {"kk": "нұсқа", "ru": "версий", "en": "versions"},
        Period.DAY,
        versions_published,
        the_versions,
    )
)

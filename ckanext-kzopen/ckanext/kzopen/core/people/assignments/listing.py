"""Who works for an agency: its people with their roles, for a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.people.assignments.reading import Assignment, own
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import Row, text


@dataclass(frozen=True)
class Member:
    """A person with the roles that they hold themselves in the agencies that were asked for."""

    id: str
    account: str
    name: str
    roles: tuple[Assignment, ...]


_PEOPLE = text(
    """
    SELECT u.id, u.name AS account, coalesce(nullif(u.fullname, ''), u.name) AS called
    FROM "user" u
    WHERE u.state = 'active'
      AND (u.name ILIKE :like OR u.fullname ILIKE :like)
      AND u.id IN (
        SELECT m.table_id FROM member m
        WHERE m.table_name = 'user' AND m.state = 'active' AND m.group_id = ANY (CAST(:agencies AS text[]))
        UNION
        SELECT a.person FROM kzopen.assignment a
        WHERE a.agency = ANY (CAST(:agencies AS text[])) AND a.since <= :at AND (a.until IS NULL OR a.until > :at)
      )
    ORDER BY called, u.id LIMIT :limit
    """
)


_OF_THE_PORTAL = text(
    """
    SELECT u.id, u.name AS account, coalesce(nullif(u.fullname, ''), u.name) AS called
    FROM "user" u
    WHERE u.state = 'active' AND u.name <> :portal
      AND (u.name ILIKE :like OR u.fullname ILIKE :like)
      AND (u.sysadmin OR u.id IN (
        SELECT a.person FROM kzopen.assignment a
        WHERE a.agency IS NULL AND a.since <= :at AND (a.until IS NULL OR a.until > :at)))
    ORDER BY called, u.id LIMIT :limit
    """
)


def members(session: AnySession, agencies: Iterable[str], at: datetime, part: str = "", limit: int = 200) -> list[Member]:
    """The people of these agencies by name, only those whose name or account holds `part`, at most `limit`."""
    asked = frozenset(agencies)
    values = {"agencies": sorted(asked), "at": at, "like": contains(part), "limit": limit}
    return _with_roles(session, session.execute(_PEOPLE, values).all(), at, asked)


def members_of_the_portal(session: AnySession, at: datetime, part: str = "", limit: int = 200) -> list[Member]:
    """The people whose roles hold in the whole portal, as `members`; the account by which CKAN itself acts is none."""
    values = {"portal": tk.config["ckan.site_id"], "at": at, "like": contains(part), "limit": limit}
    return _with_roles(session, session.execute(_OF_THE_PORTAL, values).all(), at, frozenset({None}))


def _with_roles(
    session: AnySession, rows: Sequence[Row[Any]], at: datetime, agencies: frozenset[str] | frozenset[None]
) -> list[Member]:
    held: dict[str, list[Assignment]] = {row.id: [] for row in rows}
    for one in own(session, held, at):
        if one.agency in agencies:
            held[one.person].append(one)
    return [Member(row.id, row.account, row.called, tuple(held[row.id])) for row in rows if held[row.id]]


def contains(part: str) -> str:
    """A pattern of LIKE for texts that hold `part` as it is."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"

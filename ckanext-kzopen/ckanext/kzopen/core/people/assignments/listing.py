"""Who works for an agency: its people with their roles, for a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ckanext.kzopen.core.people.assignments.reading import Assignment, own
from ckanext.kzopen.core.record.events import AnySession
from sqlalchemy import text


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


def members(session: AnySession, agencies: Iterable[str], at: datetime, part: str = "", limit: int = 200) -> list[Member]:
    """The people of these agencies by name, only those whose name or account holds `part`, at most `limit`."""
    asked = sorted(agencies)
    values = {"agencies": asked, "at": at, "like": contains(part), "limit": limit}
    rows = session.execute(_PEOPLE, values).all()
    held: dict[str, list[Assignment]] = {row.id: [] for row in rows}
    for one in own(session, held, at):
        if one.agency in asked:
            held[one.person].append(one)
    return [Member(row.id, row.account, row.called, tuple(held[row.id])) for row in rows if held[row.id]]


def contains(part: str) -> str:
    """A pattern of LIKE for texts that hold `part` as it is."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"

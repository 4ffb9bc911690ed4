"""Finds organisations that changed without CKAN's sessions (raw SQL, a restored backup) and lets their agencies follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ckan import model
from ckanext.kzopen.core.agencies.model import Agency, AnySession
from ckanext.kzopen.core.reorganisation import store
from ckanext.kzopen.core.reorganisation.following import follow
from sqlalchemy import select

BATCH = 200
SWEEPER = "system:agencies"


def sweep(session: AnySession) -> int:
    """Let every agency follow whose organisation tells something else; how many there were. Commits every BATCH."""
    found = differing(session)
    for start in range(0, len(found), BATCH):
        follow(session, found[start : start + BATCH], SWEEPER)
        session.commit()
    return len(found)


def differing(session: AnySession) -> list[str]:
    """Ids of organisations without an agency, agencies without an organisation, and pairs that tell different things."""
    rows = {row.id: row for row in session.scalars(select(Agency))}
    groups = {group.id: group for group in session.scalars(select(model.Group).where(model.Group.is_organization))}
    above = parents(session)
    alone = rows.keys() ^ groups.keys()
    both = rows.keys() & groups.keys()
    return sorted(alone | {each for each in both if differs(groups[each], rows[each], above.get(each, set()))})


def differs(group: model.Group, row: Agency, parents: set[str]) -> bool:
    """Whether an organisation tells something else than its agency."""
    told = store.read(group, row)
    facts: Mapping[str, str | None] = {fact: getattr(row, fact) for fact in told.facts}
    place = row.parent not in parents if row.parent else bool(parents)
    removed = row.state == "removed"
    return (
        dict(told.names) != row.columns
        or told.address != row.address
        or dict(told.facts) != facts
        or told.deleted != removed
        or (place and not removed)
    )


def parents(session: AnySession) -> dict[str, set[str]]:
    """The active organisations above each, as CKAN keeps them."""
    query = (
        select(model.Member.group_id, model.Member.table_id)
        .join(model.Group, model.Group.id == model.Member.table_id)
        .where(model.Member.table_name == "group", model.Member.state == "active")
        .where(model.Group.is_organization, model.Group.state == "active")
    )
    found: dict[str, set[str]] = defaultdict(set)
    for child, parent in session.execute(query):
        found[child].add(parent)
    return found

"""Follows CKAN's organisations: one that is made, edited, deleted or purged by CKAN's ways is an agency that changes so.

A changed title is a rename from today on, a changed parent a move from today on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckan import model
from ckanext.kzopen.core import states
from ckanext.kzopen.core.agencies import tree
from ckanext.kzopen.core.agencies.model import EVER, Agency, AgencyName, AnySession, today
from ckanext.kzopen.core.reorganisation import addresses, dated, store
from ckanext.kzopen.core.reorganisation.telling import granted, tell
from sqlalchemy import select

KIND = "agency"


def follow(session: AnySession, organisation_ids: Iterable[str], actor: str) -> None:
    """Bring the agencies of these organisations up to what CKAN tells of them, in the caller's transaction."""
    fresh: set[str] = set()
    rows = [row for each in sorted(set(organisation_ids)) if (row := _ensure(session, each, actor, fresh)) is not None]
    for row in rows:
        _follow_parent(session, row, actor, fresh)
        store.write(session, row)


def _ensure(session: AnySession, organisation_id: str, actor: str, fresh: set[str]) -> Agency | None:
    """The agency with its organisation's names, codes, address and state; None when there is no such organisation.

    `fresh` is told of an agency that was not there before.
    """
    group = session.get(model.Group, organisation_id)
    row = session.get(Agency, organisation_id)
    if group is None or not group.is_organization:
        if row is not None:
            _purge(session, row, actor)
        return None
    if row is None:
        fresh.add(organisation_id)
        return _begin(session, organisation_id, store.read(group, None), actor)
    session.refresh(row, with_for_update={"key_share": True})
    told = store.read(group, row)
    _follow_state(session, row, told.deleted, actor)
    _follow_names(session, row, told, actor)
    _follow_facts(session, row, told, actor)
    return row


def _begin(session: AnySession, organisation_id: str, told: store.Told, actor: str) -> Agency:
    row = Agency(id=organisation_id, address=told.address, **told.names, **_free_facts(session, organisation_id, told))
    states.begin(session, KIND, row, actor)
    session.add(AgencyName(agency=row.id, since=EVER, **told.names))
    session.flush()  # CKAN's sessions do not flush by themselves before a query
    if told.deleted:
        states.change(session, KIND, row, "remove", actor)
    return row


def _follow_state(session: AnySession, row: Agency, deleted: bool, actor: str) -> None:
    if deleted and row.state != "removed":
        states.change(session, KIND, row, "remove", actor)
    elif not deleted and row.state == "removed":
        liquidated = row.liquidated_on is not None and row.liquidated_on <= today()
        states.change(session, KIND, row, "restore_liquidated" if liquidated else "restore", actor)


def _follow_names(session: AnySession, row: Agency, told: store.Told, actor: str) -> None:
    if dict(told.names) == row.columns:
        return
    if row.state == "active":
        states.change(session, KIND, row, "rename", actor, allowed=granted, effective=today(), **dict[str, Any](told.names))
        dated.put_name(session, row.id, today(), told.names)
    else:
        correct(session, row, told.names, actor)


def correct(session: AnySession, row: Agency, names: Mapping[str, str | None], actor: str) -> None:
    """Replace the present name in place: what was written wrongly is no former name."""
    old = {column: getattr(row, column) for column in names}
    for column, value in names.items():
        setattr(row, column, value)
    dated.replace_name(session, row.id, today(), row.columns)
    tell(session, row, "correct", old, names, actor)


def _follow_facts(session: AnySession, row: Agency, told: store.Told, actor: str) -> None:
    facts = _free_facts(session, row.id, told)
    new = {name: value for name, value in {"address": told.address, **facts}.items() if getattr(row, name) != value}
    if not new:
        return
    old = {name: getattr(row, name) for name in new}
    if "address" in new:
        addresses.changed(session, row.id, row.address, told.address)
    for name, value in new.items():
        setattr(row, name, value)
    session.flush()
    tell(session, row, "update", old, new, actor)


def _free_facts(session: AnySession, agency_id: str, told: store.Told) -> dict[str, str]:
    """The facts without a BIN that is another agency's: CKAN's pages cannot be told why it would be refused."""
    number = told.facts.get("bin")
    taken = number and session.scalar(select(Agency.id).where(Agency.bin == number, Agency.id != agency_id))
    return {name: value for name, value in told.facts.items() if name != "bin" or not taken}


def _follow_parent(session: AnySession, row: Agency, actor: str, fresh: set[str]) -> None:
    parent = store.parent_of(session, row.id, row.parent)
    if parent == row.parent or row.state == "removed":
        return
    if parent is not None and session.get(Agency, parent) is None:
        _ensure(session, parent, actor, fresh)
    if parent is not None and parent in tree.subordinates(session, row.id):
        return  # a circle, which `store.write` takes back
    since = EVER if row.id in fresh else today()
    if row.state == "active" and row.id not in fresh:
        states.change(session, KIND, row, "move", actor, allowed=granted, effective=since, parent=parent)
    else:
        row.parent = parent
        session.flush()
    dated.put_parent(session, row.id, since, parent)


def _purge(session: AnySession, row: Agency, actor: str) -> None:
    tell(session, row, "purge", row.columns | {"address": row.address}, None, actor)
    session.delete(row)
    session.flush()

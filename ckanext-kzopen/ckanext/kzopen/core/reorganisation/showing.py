"""Agencies as data, for the API and for pages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from ckanext.kzopen.core.agencies import history, names, tree
from ckanext.kzopen.core.agencies.model import EVER, Agency, AgencyAddress, AgencyParent, AnySession
from sqlalchemy import select

Shown = dict[str, Any]


def brief(row: Agency) -> Shown:
    """What a list tells of an agency."""
    facts = {"id": row.id, "address": row.address, "title": row.name, "short": row.short, "kind": row.kind}
    return facts | {"bin": row.bin, "kato": row.kato, "state": row.state, "parent": row.parent}


def whole(session: AnySession, row: Agency, at: date | None = None) -> Shown:
    """All that is public of an agency; with `at`, names and places are those of that day."""
    above = [_name_at(session, agency_id, at) for agency_id in reversed(tree.ancestors(session, row.id, at))]
    known = names.all_names(session, row.id)
    predecessors = sorted(history.agencies_behind(session, row.id) - {row.id})
    return {
        **brief(row),
        **({"title": names.name_of(session, row.id, at), "short": names.short_name_of(session, row.id, at)} if at else {}),
        "above": above,
        "names": [{"title": n.name, "short": n.short, "since": _iso(n.since), "until": _iso(n.until)} for n in known],
        "addresses": list(session.scalars(select(AgencyAddress.address).where(AgencyAddress.agency == row.id))),
        "liquidated_on": _iso(row.liquidated_on),
        "successor": _linked(session, row.successor),
        "predecessors": [_linked(session, each) for each in predecessors],
        "handed_over": row.handed_over.isoformat() if row.handed_over else None,
    }


def listed(session: AnySession, under: str | None = None) -> list[Shown]:
    """The tree as a list, parents before children, children by their name; with `under`, that agency and those below."""
    rows = list(session.scalars(select(Agency).where(Agency.state != "removed").order_by(Agency.name_kk, Agency.address)))
    below: dict[str | None, list[Agency]] = {}
    for row in rows:
        below.setdefault(row.parent, []).append(row)
    start = [row for row in rows if row.id == under] if under else below.get(None, [])
    return [brief(row) | {"depth": depth} for row, depth in _walk(start, below)]


def _walk(start: list[Agency], below: dict[str | None, list[Agency]]) -> list[tuple[Agency, int]]:
    found: list[tuple[Agency, int]] = []
    waiting = [(row, 0) for row in reversed(start)]
    while waiting:
        row, depth = waiting.pop()
        found.append((row, depth))
        waiting += [(child, depth + 1) for child in reversed(below.get(row.id, []))]
    return found


def places(session: AnySession, agency_id: str) -> list[Shown]:
    """To whom the agency answered, answers and is to answer, in the order of time; `above` is None for nobody."""
    rows = select(AgencyParent).where(AgencyParent.agency == agency_id).order_by(AgencyParent.since)
    found = list(session.scalars(rows))
    ends = [after.since - timedelta(days=1) for after in found[1:]]
    return [
        {
            "above": _name_at(session, row.parent, row.since) if row.parent else None,
            "since": None if row.since == EVER else row.since.isoformat(),
            "until": _iso(until),
        }
        for row, until in zip(found, [*ends, None], strict=False)
    ]


def _linked(session: AnySession, agency_id: str | None) -> Shown | None:
    row = session.get(Agency, agency_id) if agency_id else None
    return {"id": row.id, "address": row.address, "title": row.name} if row else None


def _name_at(session: AnySession, agency_id: str, at: date | None) -> Shown | None:
    found = _linked(session, agency_id)
    return found | {"title": names.name_of(session, agency_id, at)} if found and at else found


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None

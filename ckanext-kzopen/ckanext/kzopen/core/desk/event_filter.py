"""Which events of the log are wanted: asked in one form by the page, by the export and by `./kzopen record events`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from ckanext.kzopen.core.agencies.model import Agency
from ckanext.kzopen.core.desk import actors
from ckanext.kzopen.core.people.agency_index import AgencyIndex
from ckanext.kzopen.core.record.events import AnySession
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import or_, select

FIELDS = ("person", "kind", "object", "verb", "agency", "since", "until")
LONGEST = 200
"""Characters of a field that are read."""


@dataclass(frozen=True)
class Asked:
    """The fields as they were typed, the filters of `record.chosen` that follow, what is wrong by field."""

    values: Mapping[str, str]
    filters: Mapping[str, Any]
    errors: Mapping[str, KzError]


def asked(session: AnySession, given: Mapping[str, str], scope: Collection[str] | None) -> Asked:
    """Read the fields of FIELDS, each may be missing; `scope` are the agencies of which events may be told, None for all.

    `person` and `agency` are named as people write them. `since` and `until` are days in Astana, both included, or moments
    (2026-12-01T10:00), of which the second is excluded. Errors: desk.nobody_of_that_name, desk.no_such_agency, desk.bad_day.
    """
    values = {name: given.get(name, "").strip()[:LONGEST] for name in FIELDS}
    errors: dict[str, KzError] = {}
    filters: dict[str, Any] = {
        "kind": values["kind"] or None,
        "object_id": values["object"] or None,
        "verb": values["verb"] or None,
        "agencies": scope,
    }
    if values["person"]:
        filters["actor"] = actors.named(session, values["person"])
        if filters["actor"] is None:
            errors["person"] = KzError("desk.nobody_of_that_name")
    if values["agency"]:
        agency = _agency(session, values["agency"])
        if agency is None or (scope is not None and agency not in scope):
            errors["agency"] = KzError("desk.no_such_agency")
        else:
            filters["agencies"] = frozenset({agency})
    for name, more in (("since", 0), ("until", 1)):
        try:
            filters[name] = _moment(values[name], more)
        except (ValueError, OverflowError):
            errors[name] = KzError("desk.bad_day")
    return Asked(values, filters, errors)


def _agency(session: AnySession, text: str) -> str | None:
    """Also one that is liquidated: its events stay."""
    named = or_(Agency.id == text, Agency.address == text.lower(), Agency.bin == text)
    return AgencyIndex.load(session).find(text) or session.scalars(select(Agency.id).where(named).limit(1)).first()


def _moment(text: str, more: int) -> datetime | None:
    """The beginning in Astana of a day, `more` days later; a moment as it is, of Astana unless it names a zone."""
    if not text:
        return None
    if len(text) <= len("2026-12-01"):
        return datetime.combine(date.fromisoformat(text) + timedelta(days=more), time(), ASTANA)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=ASTANA)

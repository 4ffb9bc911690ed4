"""Organisations as a section of the search: found by every name that they have or had, short ones and codes among them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from ckan import model
from ckanext.kzopen.core.agencies.model import EVER, Agency, AgencyName, today
from ckanext.kzopen.core.reorganisation.searching import words_of_owner
from ckanext.kzopen.core.texts import ASTANA
from ckanext.kzopen.search.registry import AnySession, Section, Stored
from sqlalchemy import func, select

ENTITY_TYPE = "organization"


def _ids(session: AnySession) -> Iterable[str]:
    active = model.Group.state == "active"
    return list(session.scalars(select(model.Group.id).where(model.Group.is_organization.is_(True), active)))


def _source(session: AnySession, entity_id: str) -> Mapping[str, Any] | None:
    group = session.get(model.Group, entity_id)
    if group is None or not group.is_organization or group.state != "active":
        return None
    agency = session.get(Agency, entity_id)
    titles = (agency.name if agency else {}) or _in_languages(group, "title_translated")
    codes = {"extras_bin": agency.bin, "extras_kato": agency.kato} if agency else {}
    found = {
        "name": group.name,
        "title": group.title or group.name,
        "title_translated": titles,
        "title_string": group.title or group.name,
        "notes": group.description,
        "notes_translated": _in_languages(group, "description_translated"),
        "organization": group.name,
        "owner_org": group.id,
        "capacity": "public",
        "permission_labels": ["public"],
        "metadata_created": group.created,
        "metadata_modified": _changed(session, group, agency),
        "extras_agency_names": words_of_owner(session, entity_id),
        **codes,
    }
    return {name: value for name, value in found.items() if value}


def _changed(session: AnySession, group: Any, agency: Agency | None) -> datetime:
    """UTC without a zone, as CKAN's moments: when its present name began, it was handed over, or else it was made.

    CKAN notes no other change of an organisation, and a document is made of nothing whose change is not heard of.
    """
    begun = select(func.max(AgencyName.since)).where(
        AgencyName.agency == group.id, AgencyName.since > EVER, AgencyName.since <= today()
    )
    day = session.scalar(begun)
    moments = [datetime.combine(day, time(), ASTANA)] if day else []
    moments += [agency.handed_over] if agency and agency.handed_over else []
    created: datetime = group.created
    return max([created, *(moment.astimezone(UTC).replace(tzinfo=None) for moment in moments)])


def _in_languages(group: Any, field: str) -> dict[str, str]:
    """What CKAN keeps as JSON in an extra."""
    stored = (group.extras or {}).get(field)
    try:
        read = json.loads(stored) if isinstance(stored, str) else stored
    except ValueError:
        return {}
    return {str(language): str(text) for language, text in read.items() if text} if isinstance(read, dict) else {}


def _touched(instance: Any) -> Iterable[str]:
    match instance:
        case model.Group() if instance.is_organization:
            return (instance.id,)
        case Agency():
            return (instance.id,)
        case AgencyName():
            return (instance.agency,)
        case _:
            return ()


def _page(stored: Stored) -> str:
    return f"/organization/{stored['name']}"


SECTION = Section(
    ENTITY_TYPE,
    {"kk": "Ұйымдар", "ru": "Организации", "en": "Organizations"},
    page=_page,
    ids=_ids,
    source=_source,
    touched=_touched,
)

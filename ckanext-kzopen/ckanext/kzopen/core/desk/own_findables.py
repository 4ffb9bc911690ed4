"""What the workstation itself lets be found: agencies, people of my agencies, information systems."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ckanext.kzopen.core.agencies.model import Agency
from ckanext.kzopen.core.desk.finding import MOST, Findable, Hit, register_findable
from ckanext.kzopen.core.desk.visitor import Visitor
from ckanext.kzopen.core.people import reads
from ckanext.kzopen.core.people.assignments.listing import contains, members
from ckanext.kzopen.core.people.systems.model import System
from sqlalchemy import or_, select

AGENCIES = {"kk": "Мемлекеттік органдар", "ru": "Государственные органы", "en": "Agencies"}
PEOPLE = {"kk": "Қызметкерлер", "ru": "Сотрудники", "en": "People"}
SYSTEMS = {"kk": "Ақпараттық жүйелер", "ru": "Информационные системы", "en": "Information systems"}


def agencies(session: Any, visitor: Visitor, text: str) -> Iterator[Hit]:
    """Agencies by a part of a name in any language, long or short: those whose affairs I see."""
    scope, like = visitor.scope("agencies.see"), contains(text)
    names = (Agency.name_kk, Agency.name_ru, Agency.name_en, Agency.short_kk, Agency.short_ru, Agency.short_en)
    wanted = select(Agency).where(or_(*(name.ilike(like) for name in names))).order_by(Agency.name_kk).limit(MOST)
    for row in session.scalars(wanted if scope is None else wanted.where(Agency.id.in_(scope))):
        yield Hit(row.name, f"/organization/{row.address}", row.short)


def people(session: Any, visitor: Visitor, text: str) -> Iterator[Hit]:
    """People of my agencies by a part of their name; who sees all agencies looks in the list of one."""
    agencies = visitor.scope("people.see") or ()
    for person in members(session, agencies, datetime.now(UTC), text, MOST):
        reads.note(("name",), [person.id], agencies=agencies)
        yield Hit(person.name, f"/staff/people?q={person.account}", person.account)


def systems(session: Any, visitor: Visitor, text: str) -> Iterator[Hit]:
    """Information systems of my agencies by a part of their name or their owner's BIN."""
    scope = visitor.scope("systems.see")
    wanted = select(System).where(or_(System.name.ilike(contains(text)), System.bin == text)).order_by(System.name).limit(MOST)
    for row in session.scalars(wanted if scope is None else wanted.where(System.agency_id.in_(scope))):
        yield Hit(row.name, f"/staff/systems/{row.id}", row.bin)


register_findable(Findable("systems", SYSTEMS, systems, order=30))
register_findable(Findable("people", PEOPLE, people, order=40))
register_findable(Findable("agencies", AGENCIES, agencies, order=50))

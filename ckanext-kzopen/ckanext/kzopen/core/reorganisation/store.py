"""CKAN's organisation as the store of an agency: what it tells, and how what we know is written into it.

Texts in several languages are JSON in the extras `title_translated` and `short_translated`; `kind`, `bin` and `kato` are
extras; the parent is the organisation's `groups`, as ckanext-hierarchy has it. A missing extra tells nothing, a wrong one is
left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckan import model
from ckanext.kzopen.core import identifiers
from ckanext.kzopen.core.agencies.model import KINDS, Agency, AnySession, columns_of
from ckanext.kzopen.core.texts import LANGUAGES, in_language
from sqlalchemy import select

TITLE, SHORT = "title_translated", "short_translated"
FACTS = ("kind", "bin", "kato")
KATO_DIGITS = 9


@dataclass(frozen=True)
class Told:
    """What an organisation says of its agency; None where it says nothing."""

    address: str
    names: Mapping[str, str | None]
    facts: Mapping[str, str]
    deleted: bool


def read(group: Any, known: Agency | None) -> Told:
    """What the organisation tells; the name is the known one where its title still is that one's."""
    extras = dict(group.extras or {})
    name = told_name(group.title or "", words(extras.get(TITLE)), known.name if known else {}) or {LANGUAGES[0]: group.name}
    short = words(extras.get(SHORT)) or (known.short if known and known.name == name else {})
    facts = {fact: extras[fact] for fact in FACTS if is_right(fact, extras.get(fact))}
    return Told(group.name, columns_of(name, short), facts, group.state == "deleted")


def told_name(title: str, translated: dict[str, str], known: Mapping[str, str]) -> Mapping[str, str]:
    """The name of an organisation whose plain title or translated one may have been changed by somebody who knows of one only.

    Changed translations count more; of a changed plain title the other languages are not known any more.
    """
    if translated and translated != known:
        return translated
    if known and title == title_of(known):
        return known
    return {LANGUAGES[0]: title} if title else known


def title_of(name: Mapping[str, str]) -> str:
    """The plain title: in the portal's first language."""
    return in_language(name, LANGUAGES[0], LANGUAGES)


def words(text: str | None) -> dict[str, str]:
    """The languages in a JSON object of texts; {} where it is none."""
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: value.strip() for key, value in pairs if key in LANGUAGES and isinstance(value, str) and value.strip()}


def is_right(fact: str, value: str | None) -> bool:
    """Whether an extra may be taken as a fact about an agency."""
    if not value:
        return False
    if fact == "kind":
        return value in KINDS
    return identifiers.has_check_digit(value) if fact == "bin" else is_kato(value)


def is_kato(value: str) -> bool:
    """Whether a text may be a code of the classifier of territories: nine digits."""
    return len(value) == KATO_DIGITS and value.isascii() and value.isdigit()


def parent_of(session: AnySession, agency_id: str, known: str | None) -> str | None:
    """The organisation above; of several the known one, else the first by its name."""
    query = (
        select(model.Group.id)
        .join(model.Member, model.Member.table_id == model.Group.id)
        .where(model.Member.group_id == agency_id, model.Member.table_name == "group", model.Member.state == "active")
        .where(model.Group.is_organization, model.Group.state == "active", model.Group.id != agency_id)
        .order_by(model.Group.name)
    )
    found = list(session.scalars(query))
    return known if known in found else next(iter(found), None)


def write(session: AnySession, row: Agency) -> None:
    """Let the organisation show the agency as it is today; what it shows already is not touched."""
    group = session.get(model.Group, row.id)
    if group is None or row.state == "removed":
        return
    if group.title != title_of(row.name):
        group.title = title_of(row.name)
    if group.name != row.address:
        group.name = row.address
    extras = dict(group.extras or {})
    if extras != (wanted := extras_of(row, extras)):
        group.extras = wanted
    _write_parent(session, row, group)


def extras_of(row: Agency, present: Mapping[str, str]) -> dict[str, str]:
    """The organisation's extras with those of the agency; a portal that uses one language gets none that it does not need."""
    extras = dict(present)
    told_by_title = {LANGUAGES[0]: title_of(row.name)}
    for key, text, needed in ((TITLE, row.name, row.name != told_by_title), (SHORT, row.short, bool(row.short))):
        if (needed or key in extras) and words(extras.get(key)) != text:
            extras[key] = json.dumps(text, ensure_ascii=False)
    for fact in FACTS:
        value = getattr(row, fact)
        if value and value != extras.get(fact) and not (fact == "kind" and value == "other"):
            extras[fact] = value
        elif not value and is_right(fact, extras.get(fact)):
            del extras[fact]
    return extras


def _write_parent(session: AnySession, row: Agency, group: model.Group) -> None:
    above = select(model.Member).where(model.Member.group_id == row.id, model.Member.table_name == "group")
    links = list(session.scalars(above))
    targets = model.Group.id.in_([link.table_id for link in links])
    organisations = set(session.scalars(select(model.Group.id).where(targets, model.Group.is_organization)))
    for link in links:
        wanted = "active" if link.table_id == row.parent else "deleted"
        if link.table_id in organisations and link.state != wanted:
            link.state = wanted
    if row.parent and row.parent not in organisations:
        session.add(model.Member(group=group, group_id=row.id, table_name="group", table_id=row.parent, capacity="public"))

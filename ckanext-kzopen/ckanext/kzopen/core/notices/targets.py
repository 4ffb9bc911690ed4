"""What can be followed, and what it is called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ckan import model
from ckanext.kzopen.core.agencies import names
from ckanext.kzopen.core.mail.queue import AnySession
from ckanext.kzopen.core.notices import searches, visibility
from ckanext.kzopen.core.notices.tables import News
from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select

SECTIONS: dict[str, Words] = {
    "opendata": {"kk": "Ашық деректер", "ru": "Открытые данные", "en": "Open data"},
}


@dataclass(frozen=True)
class Target:
    """Something to follow: `what` it is, its name there, and its name for people (plain or in languages)."""

    what: str
    target: str
    title: Any


def target_of(session: AnySession, what: str, target: str, reader: str) -> Target:
    """What a reader asks to follow; KzError notices.nothing_to_follow where there is none that the reader may see."""
    title: Any = None
    if what == "thing" and visibility.may_see(session, target, reader):
        title = title_of_thing(session, target)
    elif what == "agency":
        title = title_of_agency(session, target)
    elif what == "section":
        title = SECTIONS.get(target)
    elif what in ("words", "personal"):
        title = target
    elif what == searches.WHAT:
        target = searches.canonical(target)
        title = searches.title(session, target)
    if title is None or len(target) > (searches.LONGEST if what == searches.WHAT else 300):
        raise KzError("notices.nothing_to_follow")
    return Target(what, target, title)


def title_of_thing(session: AnySession, about: str) -> Any:
    """The name of a thing: a data set's own, else what the last news called it; None when nobody knows it."""
    kind, _, thing = about.partition(":")
    package = model.Package.get(thing) if kind == "package" else None
    if package is not None:
        return _in_languages(package) or package.title or package.name
    last = select(News.values).where(News.about == about, News.withdrawn.is_(None)).order_by(News.id.desc()).limit(1)
    return (session.scalar(last) or {}).get("title")


def _in_languages(package: model.Package) -> Any:
    """The name in languages, which CKAN keeps as JSON in a text; None where there is none."""
    stored = (package.extras or {}).get("title_translated")
    try:
        return json.loads(stored) if isinstance(stored, str) else stored
    except ValueError:
        return None


def title_of_agency(session: AnySession, agency: str) -> Any:
    """The name of an agency; None for one that is not there."""
    group = model.Group.get(agency)
    if group is None or not group.is_organization or group.state != "active" or group.id != agency:
        return None
    return names.name_of(session, agency) or group.title or group.name

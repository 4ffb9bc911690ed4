"""The kinds of things that sections let be withdrawn."""

from __future__ import annotations

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal.things import Kind, Thing
from sqlalchemy.orm import Session

_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Make a kind known; a section does it when its plugin is loaded."""
    _kinds[kind.name] = kind


def all_kinds() -> list[Kind]:
    """The registered kinds in the order of their registration."""
    return list(_kinds.values())


def known_kind(name: str) -> Kind:
    """The kind of that name; KzError withdrawal.unknown_kind."""
    if name not in _kinds:
        raise KzError("withdrawal.unknown_kind", kind=name, kinds=sorted(_kinds))
    return _kinds[name]


def find(session: Session, kind: str, reference: str) -> Thing:
    """The thing; KzError withdrawal.unknown_thing when there is none."""
    thing = known_kind(kind).find(session, reference)
    if thing is None:
        raise KzError("withdrawal.unknown_thing", kind=known_kind(kind).label, reference=reference)
    return thing

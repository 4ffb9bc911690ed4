"""Who an actor of the event log is: a person, an information system, the portal itself."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ckan import model
from ckanext.kzopen.core.people import programs
from ckanext.kzopen.core.people.systems.model import ACTOR, AnySession, System, is_actor
from sqlalchemy import func, or_, select


def names_of(session: AnySession, actors: Iterable[str | None]) -> dict[str, str]:
    """The names of people and information systems by how the log calls them; others are left out."""
    wanted = {actor for actor in actors if actor}
    systems = [UUID(actor.removeprefix(ACTOR)) for actor in wanted if is_actor(actor)]
    people = session.execute(select(model.User.id, model.User.fullname, model.User.name).where(model.User.id.in_(wanted)))
    found = {row.id: row.fullname or row.name for row in people}
    named = session.execute(select(System.id, System.name).where(System.id.in_(systems)))
    return found | {f"{ACTOR}{row.id}": row.name for row in named} | programs.names_of(session, wanted)


def named(session: AnySession, text: str) -> str | None:
    """How the log calls whom a reader means: by id, account name, full name or e-mail, or a system by its name.

    An id is taken as it is, also where the account is gone: the log outlives it.
    """
    if text.startswith((ACTOR, "system:")) or _is_id(text):
        return text
    exact = or_(
        model.User.id == text,
        model.User.name == text,
        func.lower(model.User.fullname) == text.lower(),
        func.lower(model.User.email) == text.lower(),
    )
    person = session.scalars(select(model.User.id).where(exact).limit(1)).first()
    if person is not None:
        return str(person)
    system = session.scalars(select(System.id).where(func.lower(System.name) == text.lower()).limit(1)).first()
    return None if system is None else f"{ACTOR}{system}"


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False

"""Parts of the portal that publish for one agency by themselves, such as its harvest sources.

Each kind has a prefix by which the event log knows its actors (`harvest:<id>`), and a function that tells the agency and the
name of one; a closed one has neither. The rights are those of an information system, for that agency only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session, scoped_session

AnySession = Session | scoped_session[Any]


@dataclass(frozen=True)
class Program:
    """The agency's id for which it publishes, and what people call it."""

    agency_id: str
    name: str


Find = Callable[[AnySession, str], Program | None]
"""Takes the actor's part behind the prefix."""

_finders: dict[str, Find] = {}


def register(prefix: str, find: Find) -> None:
    """Make a kind of programs known; `prefix` ends with a colon."""
    _finders[prefix] = find


def is_program(actor: str) -> bool:
    """Whether the actor is one of these programs."""
    return actor.startswith(tuple(_finders))


def program_of(session: AnySession, actor: str) -> Program | None:
    """The program that acts under this name, or None."""
    for prefix, find in _finders.items():
        if actor.startswith(prefix):
            return find(session, actor.removeprefix(prefix))
    return None


def names_of(session: AnySession, actors: Iterable[str]) -> dict[str, str]:
    """The names of those actors that are programs."""
    found = {actor: program_of(session, actor) for actor in actors if is_program(actor)}
    return {actor: program.name for actor, program in found.items() if program is not None}

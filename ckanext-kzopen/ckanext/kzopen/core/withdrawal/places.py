"""The places where a thing may lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.core.withdrawal.things import Thing
from sqlalchemy.orm import Session

TakeOut = Callable[[Session, Thing], None]
IsOut = Callable[[Session, Thing], bool]


@dataclass(frozen=True)
class Place:
    """A place where things may lie; of a thing that never lies there `is_out` says that it is out.

    `take_out` may be run again at any moment and after any death. With `at_once` it works in the transaction of the order
    and must not commit: that is how a place hides things from the first moment on. The others run after that commit, in the
    request and in the job, each followed by a commit.
    """

    name: str
    label: Words
    take_out: TakeOut
    is_out: IsOut
    at_once: bool = False


_places: dict[str, Place] = {}


def register(place: Place) -> None:
    """Make a place known; a section does it when its plugin is loaded."""
    _places[place.name] = place


def places() -> list[Place]:
    """The registered places in the order of their registration."""
    return list(_places.values())


def holding(session: Session, thing: Thing) -> list[Place]:
    """The places that still hold the thing."""
    return [place for place in places() if not place.is_out(session, thing)]

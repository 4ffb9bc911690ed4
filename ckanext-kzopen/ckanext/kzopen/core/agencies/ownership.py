"""What agencies own: each section registers how its things go over to a successor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ckanext.kzopen.core.agencies.model import AgencyHandover
from sqlalchemy import insert

Move = Callable[[Any, str, str], int]
"""`move(session, from_agency, to_agency)`: hand over in the caller's transaction, and say how many things went.

It is called again and again until it says 0, so it may take as many at once as it likes; doing it again does no harm.
"""

_moves: dict[str, Move] = {}


def register(name: str, move: Move) -> None:
    """Let what a section keeps for agencies go over to successors; `name` is a plural noun, such as `data_sets`."""
    if _moves.get(name, move) is not move:
        raise ValueError(f"two sections hand over {name}")
    _moves[name] = move


def forget(name: str) -> None:
    """Take back what `register` added."""
    _moves.pop(name, None)


def owners() -> tuple[str, ...]:
    """The names that are registered."""
    return tuple(sorted(_moves))


def hand_over(session: Any, from_agency: str, to_agency: str) -> dict[str, int]:
    """Call every registered move once: how many things of each name went. All 0 is the end."""
    return {name: _moves[name](session, from_agency, to_agency) for name in owners()}


def remember(session: Any, kind: str, things: Iterable[str], from_agency: str, to_agency: str) -> None:
    """Write down that these went over, so that `history.owner_at` knows whose they were."""
    rows = [{"kind": kind, "thing": thing, "from_agency": from_agency, "to_agency": to_agency} for thing in things]
    if rows:
        session.execute(insert(AgencyHandover), rows)

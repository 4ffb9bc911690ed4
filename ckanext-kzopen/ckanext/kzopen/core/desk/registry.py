"""The desks of the workstation, and the tasks that wait there: each section registers its own.

    desk.register(Desk("appeals", {"kk": …, "ru": …, "en": …}, "/staff/appeals", "appeals.answer", tasks))

`tasks(session, visitor)` gives what waits for this person; it asks `visitor.scope(right)` for which agencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ckanext.kzopen.core import texts
from ckanext.kzopen.core.desk.visitor import Visitor

Words = Mapping[str, str]


@dataclass(frozen=True)
class Button:
    """An act that can be done from the list of tasks: a form that posts to `path`, with no fields of its own."""

    path: str
    label: Words


@dataclass(frozen=True)
class Task:
    """One thing that waits for somebody. `link` is a path of the portal; `due` is its last day, None without a term.

    `kind` says in a few words what is to be done. `agency` is the id of the agency whose business it is. `why` explains how
    the day was computed.
    """

    title: Words | str
    link: str
    kind: Words
    agency: str | None = None
    due: date | None = None
    since: datetime | None = None
    button: Button | None = None
    why: texts.Words | None = None


Tasks = Callable[[Any, Visitor], Iterable[Task]]


def no_tasks(session: Any, visitor: Visitor) -> Iterable[Task]:
    """For a desk where nothing waits."""
    return ()


@dataclass(frozen=True)
class Desk:
    """A place of work: `path` below `/staff`; who has `right` in some agency sees it, "" is everybody of the staff."""

    name: str
    title: Words
    path: str
    right: str = ""
    tasks: Tasks = no_tasks
    order: int = 50


_desks: dict[str, Desk] = {}


def register(desk: Desk) -> None:
    """Make a desk known; the same name again replaces it, so that a plugin may be loaded twice."""
    if not desk.path.startswith("/staff/"):
        raise ValueError(f"the desk {desk.name} must lie below /staff/, not at {desk.path}")
    _desks[desk.name] = desk


def desks() -> list[Desk]:
    """All desks in the order of the navigation."""
    return sorted(_desks.values(), key=lambda desk: (desk.order, desk.name))


def desks_of(visitor: Visitor) -> list[Desk]:
    """The desks at which this person may work."""
    return [desk for desk in desks() if not desk.right or visitor.may(desk.right)]


def tasks_of(session: Any, visitor: Visitor) -> list[Task]:
    """What waits for this person at all desks."""
    return [task for desk in desks_of(visitor) for task in desk.tasks(session, visitor)]

"""What goes through the outbox, and who reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class Executor(Protocol):
    """What can run a statement: a session or a connection of SQLAlchemy."""

    def execute(self, statement: Any, params: Any = None, /) -> Any: ...


@dataclass(frozen=True)
class Message:
    """One thing that happened: `topic` says what ("package.changed"), `key` to which object."""

    id: int
    topic: str
    key: str
    payload: Mapping[str, Any]
    created: datetime


@dataclass(frozen=True)
class Consumer:
    """A reader with a position of its own; two processes of one name share that position."""

    name: str
    topics: frozenset[str]

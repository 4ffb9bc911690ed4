"""What can be withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ckanext.kzopen.core.texts import Words
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Thing:
    """One thing: its kind, its id in the tombstones, the name that addresses call it by, its agency.

    `parts` is what the places of its section need to find it (a package's id, a version's number).
    """

    kind: str
    id: str
    name: str
    agency: str | None
    title: Mapping[str, str] = field(default_factory=dict)
    public: bool = True
    parts: Mapping[str, Any] = field(default_factory=dict)


Find = Callable[[Session, str], Thing | None]
"""Takes a reference as addresses and commands write it; None when there is no such thing."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing: `name` in addresses and tombstones, `label` for people."""

    name: str
    label: Words
    find: Find

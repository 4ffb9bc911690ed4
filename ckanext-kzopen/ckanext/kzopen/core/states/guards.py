"""Guards: named pure functions that a transition in YAML may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ckanext.kzopen.core.web.errors import KzError

Guard = Callable[[Any, Mapping[str, Any], datetime], KzError | None]
"""Takes the row, the fields given with the transition and the moment; returns what stands against it, or None."""

_guards: dict[str, Guard] = {}


def guard(name: str) -> Callable[[Guard], Guard]:
    """Register a guard under the name by which `schemas/states/*.yaml` asks for it."""

    def register(function: Guard) -> Guard:
        if _guards.get(name, function) is not function:
            raise ValueError(f"two guards have the name {name}")
        _guards[name] = function
        return function

    return register


def guard_named(name: str) -> Guard:
    return _guards[name]


def guard_names() -> set[str]:
    return set(_guards)

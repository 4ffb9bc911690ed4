"""What a request was: a view, a download, an API call; of which object; by a person's program or by a robot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ckanext.kzopen.core.yaml_source import Source, read, schemas

GOOD = (200,)


class Rules(Source):
    """What `schemas/access.yaml` holds."""

    keep_days: int
    robots: tuple[str, ...]
    views: dict[str, str]
    downloads: dict[str, str]
    calls: dict[str, str]
    actions: dict[str, str]


@dataclass(frozen=True)
class Access:
    """One counted request: what it was, how it named its object, whether a robot made it."""

    what: str
    name: str
    robot: bool


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The rules of `schemas/access.yaml`, read once."""
    return read(schemas("access.yaml"), Rules)[0]


@lru_cache(maxsize=1)
def _robots() -> re.Pattern[str]:
    return re.compile("|".join(rules().robots), re.IGNORECASE)


def is_robot(agent: str) -> bool:
    """Whether a program says of itself that it reads without a person; one that says nothing counts as a robot."""
    return not agent.strip() or _robots().search(agent) is not None


def classified(record: Mapping[str, Any]) -> Access | None:
    """What a record tells of, None where it is not counted: errors, repeats that a cache answered, other pages."""
    if record.get("status") not in GOOD or record.get("method") not in ("GET", "POST"):
        return None
    route, of = str(record.get("route") or ""), record.get("of") or {}
    for what, table in (("view", rules().views), ("download", rules().downloads), ("api", rules().calls)):
        if route in table:
            return _named(what, of.get(table[route]), record)
    if route == "api.action" and of.get("logic_function") in rules().actions:
        argument = rules().actions[of["logic_function"]]
        return _named("api", of.get(f"?{argument}") or of.get("?id"), record)
    return None


def _named(what: str, name: Any, record: Mapping[str, Any]) -> Access | None:
    return Access(what, str(name), is_robot(str(record.get("agent") or ""))) if name else None

"""Who sits at the desk: the person, the agencies for which they work, and the one that they look at now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz
from flask import g, session

CHOSEN = "kzopen_agency"
"""Name in the session of the agency that was chosen by the switch."""


@dataclass(frozen=True)
class Agency:
    """An agency in the switch: its id, its name in languages or plain."""

    id: str
    title: Any


@dataclass(frozen=True)
class Visitor:
    """`agencies` are those that the person works for, empty where that is all of them; `chosen` is one of them or None."""

    id: str
    name: str
    agencies: tuple[Agency, ...] = ()
    chosen: str | None = None

    def scope(self, right: str) -> frozenset[str] | None:
        """The agencies for which the person has the right, only the chosen one after a choice; None = all agencies."""
        found = agencies_with(self.name, right)
        if self.chosen is None:
            return found
        return frozenset({self.chosen}) if found is None else found & {self.chosen}

    def may(self, right: str) -> bool:
        """Whether the person has the right for some agency, whichever is chosen."""
        found = agencies_with(self.name, right)
        return found is None or bool(found)


def agencies_with(name: str, right: str) -> frozenset[str] | None:
    """The ids of the agencies for which the person of that name has the right; None = all."""
    if authz.is_sysadmin(name):
        return None
    publishes = right.startswith(("publishing.", "datasets."))
    return frozenset(row["id"] for row in _organizations(name, "create_dataset" if publishes else "admin"))


def _organizations(name: str, permission: str = "create_dataset") -> list[dict[str, Any]]:
    """CKAN's list of the organisations for which the person has a permission of CKAN's."""
    found: list[dict[str, Any]] = tk.get_action("organization_list_for_user")({"user": name}, {"permission": permission})
    return found


def visitor() -> Visitor:
    """Whoever makes this request."""
    if "kzopen_visitor" not in g:
        g.kzopen_visitor = _visitor()
    found: Visitor = g.kzopen_visitor
    return found


def _visitor() -> Visitor:
    user = tk.current_user
    name = str(user.name)
    agencies: tuple[Agency, ...] = ()
    if not authz.is_sysadmin(name):
        agencies = tuple(Agency(row["id"], row.get("title_translated") or row["title"]) for row in _organizations(name))
    known = {agency.id for agency in agencies}
    chosen = session.get(CHOSEN)
    return Visitor(str(user.id), name, agencies, chosen if chosen in known else None)


def choose(agency: str) -> None:
    """Look at one agency of one's own from now on, or with "" at all of them; another one is not chosen."""
    known = {found.id for found in visitor().agencies}
    session[CHOSEN] = agency if agency in known else None
    g.pop("kzopen_visitor", None)

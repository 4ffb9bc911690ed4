"""Who sits at the desk: the person, the agencies for which they work, and the one that they look at now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.names import names_of
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.texts import in_language
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import g, session

ENTER = "desk.enter"
CHOSEN = "kzopen_agency"
"""Name in the session of the agency that was chosen by the switch."""


@dataclass(frozen=True)
class Agency:
    """An agency in the switch: its id, and its name in languages."""

    id: str
    name: Mapping[str, str]


@dataclass(frozen=True)
class Visitor:
    """`agencies` are those that the person works for, empty where that is all of them; `chosen` is one of them or None."""

    id: str
    name: str
    agencies: tuple[Agency, ...] = ()
    chosen: str | None = None

    def scope(self, right: str) -> frozenset[str] | None:
        """The agencies for which the person has the right, only the chosen one after a choice; None = all agencies."""
        found = rights.agencies_with(self.id, right)
        if self.chosen is None:
            return found
        return frozenset({self.chosen}) if found is None else found & {self.chosen}

    def may(self, right: str, agency: Any = None) -> bool:
        """Whether the person has the right, for an agency or for any, whichever is chosen."""
        return rights.allowed(self.id, right, agency)

    def require(self, right: str, agency: Any = None) -> None:
        """Raise KzError web.not_allowed unless `may`."""
        if not self.may(right, agency):
            raise KzError("web.not_allowed", right=right)


def visitor() -> Visitor:
    """Whoever makes this request."""
    if "kzopen_visitor" not in g:
        g.kzopen_visitor = _visitor()
    found: Visitor = g.kzopen_visitor
    return found


def _visitor() -> Visitor:
    user = tk.current_user
    number = str(user.id)
    agencies = _named(rights.agencies_with(number, ENTER))
    chosen = session.get(CHOSEN)
    return Visitor(number, str(user.name), agencies, chosen if chosen in {found.id for found in agencies} else None)


def _named(ids: frozenset[str] | None) -> tuple[Agency, ...]:
    """Agencies by name; none where the person works for all of them."""
    found = names_of(model.Session, ids) if ids else {}
    language = request_language()
    return tuple(sorted((Agency(*row) for row in found.items()), key=lambda agency: in_language(agency.name, language)))


def choose(agency: str) -> None:
    """Look at one agency of one's own from now on, or with "" at all of them; another one is not chosen."""
    known = {found.id for found in visitor().agencies}
    session[CHOSEN] = agency if agency in known else None
    g.pop("kzopen_visitor", None)

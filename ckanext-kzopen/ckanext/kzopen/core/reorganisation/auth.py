"""Who may do what to agencies, by `schemas/roles.yaml`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people.rights import allowed
from ckanext.kzopen.core.reorganisation import checks
from ckanext.kzopen.core.web.errors import KzError

Answer = dict[str, Any]
Right = Callable[[Any, Answer], Answer]


def of_the_agency(right: str) -> Right:
    """The right for the agency `id`; of an agency that does not exist only those have it who have it everywhere."""

    def function(context: Any, data_dict: Answer) -> Answer:
        try:
            agency = checks.known(model.Session, str(data_dict.get("id", ""))).id
        except KzError:
            agency = ""
        return {"success": allowed(context.get("user") or "", right, agency)}

    return function


def everywhere(right: str) -> Right:
    """The right for all agencies: what is done to the tree concerns more than one."""

    def function(context: Any, _data_dict: Answer) -> Answer:
        return {"success": allowed(context.get("user") or "", right, "")}

    return function


@tk.auth_allow_anonymous_access
def for_everybody(_context: Any, _data_dict: Answer) -> Answer:
    """The tree of agencies is public."""
    return {"success": True}


def rights() -> dict[str, Right]:
    """The authorization functions that plugin `kzopen` gives CKAN."""
    return {
        "agency_create": everywhere("agencies.create"),
        "agency_import": everywhere("agencies.create"),
        "agency_liquidate": everywhere("agencies.liquidate"),
        "agency_move": everywhere("agencies.liquidate"),
        "agency_rename": of_the_agency("agencies.change"),
        "agency_update": of_the_agency("agencies.change"),
        "agency_show": for_everybody,
        "agency_tree": for_everybody,
    }

"""Actions of the staff's roles in CKAN's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import ending, rights
from ckanext.kzopen.core.people.agency_index import AgencyIndex
from ckanext.kzopen.core.people.assignments import change
from ckanext.kzopen.core.web.actions import in_ckan_s_words
from ckanext.kzopen.core.web.errors import KzError
from flask import has_request_context, request

Context = Any
Answer = dict[str, Any]


def staff_role_end(context: Context, data_dict: Answer) -> Answer:
    """End the `role` of a `person` (account's name or id) in an `agency` (id, address, BIN or name), for a `reason`.

    Without `agency` it is a role of the whole portal. The person is told by mail; substitution in the role ends too. The last
    administrator of an agency is ended by operators only; `without_administrator` tells that the agency has none now.
    """
    tk.check_access("staff_role_end", context, data_dict)
    person, role, reason = (str(data_dict.get(name) or "") for name in ("person", "role", "reason"))
    agency = _agency(data_dict)
    if agency == "":
        raise KzError("roles.unknown_agency", agency=str(data_dict["agency"])[:100])
    by = change.known_person(model.Session, context["user"])
    address = request.remote_addr if has_request_context() else None
    try:
        left = ending.end_role(model.Session, person, role, agency, by, reason, address)
    except KzError:
        model.Session.rollback()
        raise
    model.Session.commit()
    return {"person": person, "role": role, "agency": agency, "without_administrator": left}


def may_end(context: Context, data_dict: Answer) -> Answer:
    """Who could give the role there; of an agency that is not known, those only who assign roles everywhere."""
    return {"success": rights.allowed(context.get("user") or "", "people.assign", _agency(data_dict) or "")}


def _agency(data_dict: Answer) -> str | None:
    """The id of the agency that is named; None = none is named, "" = there is none of that name."""
    named = str(data_dict.get("agency") or "")
    return (AgencyIndex.load(model.Session).find(named) or "") if named else None


def actions() -> dict[str, Callable[..., Any]]:
    """The actions that plugin `kzopen` gives CKAN."""
    return {"staff_role_end": in_ckan_s_words(staff_role_end)}


def auth_functions() -> dict[str, Callable[..., Answer]]:
    """Their authorization functions."""
    return {"staff_role_end": may_end}

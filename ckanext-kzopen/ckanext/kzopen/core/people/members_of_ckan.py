"""CKAN's own actions that change who works in an organisation keep the agency's last administrator, as the desk does.

CKAN's pages go through the same actions. Operators, who could appoint another one, may end the last one; so may code that
acts without regard to rights (`ignore_auth`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.people.assignments import change, last
from ckanext.kzopen.core.people.assignments.reading import person_id
from ckanext.kzopen.core.people.ending import may_leave_none
from ckanext.kzopen.core.web.actions import in_ckan_s_words
from ckanext.kzopen.core.web.errors import KzError

Context = Any
Data = dict[str, Any]
Action = Callable[[Context, Data], Any]
Losing = Callable[[set[str], Data], set[str]]
"""Which of the accounts that administer an agency would not do so after what the action gets."""


def _deleted(there: set[str], data_dict: Data) -> set[str]:
    return there & {_account(data_dict.get("object"))} if data_dict.get("object_type") == "user" else set()


def _made(there: set[str], data_dict: Data) -> set[str]:
    return set() if _administers(data_dict.get("capacity")) else _deleted(there, data_dict)


def _left_out(there: set[str], data_dict: Data) -> set[str]:
    """Whoever is not plainly an administrator in the list of all members; of a person's entries CKAN takes the first."""
    users = data_dict.get("users")
    if not isinstance(users, list):
        return set()
    told: dict[str, bool] = {}
    for one in users:
        named = {_account(one[key]) for key in ("id", "name") if one.get(key)} if isinstance(one, dict) else set()
        for account in named:
            told.setdefault(account, len(named) == 1 and _administers(one.get("capacity")))
    return {person for person in there if not told.get(person)}


def _account(named: Any) -> str:
    """The id of an account that is named as CKAN takes it, "" when there is none."""
    return person_id(model.Session, str(named or "")) or ""


def _administers(capacity: object) -> bool:
    """Whether CKAN's role stands for that of an agency's administrator."""
    return roles.ADMINISTRATOR in roles.known().standing_for(str(capacity))


def _require_another(agency: str, losing: Losing, data_dict: Data, user: str) -> None:
    """Raise KzError roles.last_administrator where nobody would administer the agency any more; locks until the transaction's
    end."""
    by = person_id(model.Session, user)
    if by is not None and may_leave_none(by):
        return
    change.lock(model.Session, by or "", roles.ADMINISTRATOR, agency)
    there = last.administrators(model.Session, agency, datetime.now(UTC))
    if there and there == losing(there, data_dict):
        model.Session.rollback()
        raise KzError("roles.last_administrator")


def _keeping(action: str, losing: Losing) -> Action:
    @in_ckan_s_words
    def check(context: Context, data_dict: Data) -> None:
        agency = model.Group.get(str(data_dict.get("id")))
        if agency is not None and agency.is_organization and not context.get("ignore_auth"):
            tk.check_access(action, context, data_dict)
            _require_another(agency.id, losing, data_dict, context.get("user") or "")

    def kept(original: Action, context: Context, data_dict: Data) -> Any:
        """CKAN's action; an agency's last administrator stays."""
        check(context, data_dict)
        return original(context, data_dict)

    chained: Action = tk.chained_action(kept)
    return chained


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen` gives CKAN."""
    return {
        "member_create": _keeping("member_create", _made),
        "member_delete": _keeping("member_delete", _deleted),
        "organization_update": _keeping("organization_update", _left_out),
        "group_update": _keeping("group_update", _left_out),
    }

"""CKAN's own actions that change who works in an organisation keep the agency's last administrator, as the desk does.

CKAN's pages go through the same actions. Operators, who could appoint another one, may end the last one; so may code that
acts without regard to rights (`ignore_auth`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import roles
from ckanext.kzopen.core.people.assignments import change
from ckanext.kzopen.core.people.assignments.last import is_last_administrator
from ckanext.kzopen.core.people.assignments.reading import person_id
from ckanext.kzopen.core.people.ending import may_leave_none
from ckanext.kzopen.core.web.actions import in_ckan_s_words
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import select

Context = Any
Data = dict[str, Any]
Action = Callable[[Context, Data], Any]
Losing = Callable[[str, Data], Iterable[str]]
"""Of an agency's id and what the action gets: the accounts (ids or names) that are no administrators there afterwards."""


def _one(_agency: str, data_dict: Data) -> Iterable[str]:
    is_person = data_dict.get("object_type") == "user"
    return [str(data_dict.get("object"))] if is_person and not _administers(data_dict.get("capacity")) else ()


def _left_out(agency: str, data_dict: Data) -> Iterable[str]:
    users = data_dict.get("users")
    if not isinstance(users, list):
        return ()
    staying = [one for one in users if isinstance(one, dict) and _administers(one.get("capacity"))]
    stay = {str(one.get(key)) for one in staying for key in ("id", "name")}
    return [person for person, name in _administrators(agency) if not {person, name} & stay]


def _administers(capacity: object) -> bool:
    """Whether CKAN's role stands for that of an agency's administrator."""
    return roles.ADMINISTRATOR in roles.known().standing_for(str(capacity))


def _administrators(agency: str) -> Collection[tuple[str, str]]:
    """Ids and names of the accounts that CKAN knows as administrators."""
    member = model.Member
    there = (member.group_id == agency, member.table_name == "user", member.state == "active")
    wanted = select(model.User.id, model.User.name, member.capacity).join(member, member.table_id == model.User.id).where(*there)
    return [(row.id, row.name) for row in model.Session.execute(wanted) if _administers(row.capacity)]


def _require_another(agency: str, losing: Iterable[str], user: str) -> None:
    """Raise KzError roles.last_administrator where one who loses the role is the last; locks until the transaction's end."""
    by = person_id(model.Session, user)
    if by is not None and may_leave_none(by):
        return
    for person in filter(None, [person_id(model.Session, named) for named in losing]):
        change.lock(model.Session, person, roles.ADMINISTRATOR, agency)
        if is_last_administrator(model.Session, person, agency, datetime.now(UTC)):
            model.Session.rollback()
            raise KzError("roles.last_administrator")


def _keeping(action: str, losing: Losing) -> Action:
    @in_ckan_s_words
    def check(context: Context, data_dict: Data) -> None:
        agency = model.Group.get(str(data_dict.get("id")))
        if agency is not None and agency.is_organization and not context.get("ignore_auth"):
            tk.check_access(action, context, data_dict)
            _require_another(agency.id, losing(agency.id, data_dict), context.get("user") or "")

    def kept(original: Action, context: Context, data_dict: Data) -> Any:
        """CKAN's action; an agency's last administrator stays."""
        check(context, data_dict)
        return original(context, data_dict)

    chained: Action = tk.chained_action(kept)
    return chained


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen` gives CKAN."""
    return {
        "member_create": _keeping("member_create", _one),
        "member_delete": _keeping("member_delete", _one),
        "organization_update": _keeping("organization_update", _left_out),
        "group_update": _keeping("group_update", _left_out),
    }

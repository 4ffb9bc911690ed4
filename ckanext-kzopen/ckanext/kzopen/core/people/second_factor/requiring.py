"""Of whom a second factor is asked: of the roles that `schemas/people.yaml` names, and by whatever else says so."""

from __future__ import annotations

from collections.abc import Callable

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.people.levels.rules import rules

Reason = Callable[[str], bool]
_reasons: dict[str, Reason] = {}


def asks_for_it(name: str, reason: Reason) -> None:
    """Let a section ask for a second factor: `reason` takes an account's id. The same name again replaces it."""
    _reasons[name] = reason


def required(user_id: str) -> bool:
    """Whether the person may do nothing without a second factor.

    `kzopen.require_second_factor` is the portal's switch. Accounts of the demonstration are excused: anybody may read their
    passwords in order to try the portal. Only an operator can mark an account so, and `demo remove` takes them away.
    """
    if not switched_on():
        return False
    user = model.Session.get(model.User, user_id)
    if user is None or is_of_demonstration(user):
        return False
    return _by_role(user) or any(reason(user_id) for reason in _reasons.values())


def switched_on() -> bool:
    """Whether this portal asks anybody for a second factor who has not chosen one; asks no database."""
    return tk.asbool(tk.config["kzopen.require_second_factor"])


def is_of_demonstration(user: model.User) -> bool:
    """Whether the account was made by `demo load`; its address is one to which no mail can go."""
    mark = (user.plugin_extras or {}).get("kzopen", {})
    return mark.get("demonstration") is True and str(user.email).endswith("@portal.invalid")


def _by_role(user: model.User) -> bool:
    wanted = rules().second_factor.required_for
    return any(one.role in wanted for one in rights.roles_of(user.id))

"""CKAN's application for a process whose threads answer at the same time."""

from __future__ import annotations

from typing import Any

from ckan import authz, logic
from ckan.config.middleware import make_app


def application(config: Any) -> Any:
    """The portal that the configuration describes, with whole tables of actions, rights and validators.

    CKAN fills each table when something is first asked of it, and does not let other threads wait: those see an action without
    its right, or CKAN's own right where a plugin has put a stricter one.
    """
    made = make_app(config)
    logic.get_action("status_show")
    authz.auth_functions_list()
    logic.get_validator("ignore")
    return made

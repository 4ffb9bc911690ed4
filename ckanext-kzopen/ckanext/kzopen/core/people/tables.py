"""Which tables DataStore holds is told to operators: its list names those of private data sets too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz
from ckan.logic import auth_audit_exempt
from ckan.plugins import plugin_loaded

Context = Any
Action = Callable[[Context, dict[str, Any]], dict[str, Any]]
LIST_OF_TABLES = "_table_metadata"


@auth_audit_exempt  # as CKAN's is: for the list of tables it asks no right of its own
@tk.side_effect_free
@tk.chained_action
def datastore_search(original: Action, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """CKAN's search, which asks for no right where the list of tables is wanted."""
    wanted = data_dict.get("resource_id"), data_dict.get("id")  # CKAN takes the second where both are given
    if LIST_OF_TABLES in wanted and not context.get("ignore_auth") and not authz.is_sysadmin(context.get("user")):
        raise tk.NotAuthorized("the list of tables is for operators")
    return original(context, data_dict)


CHAINED: dict[str, Action] = {"datastore_search": datastore_search}


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen` gives CKAN; none where its plugin `datastore` is off."""
    return CHAINED if plugin_loaded("datastore") else {}

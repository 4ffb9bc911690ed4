"""Tables that are published by deliveries are changed by nothing else.

CKAN's own ways of writing rows would pass by the check, the stop of personal data, the second person and the versions.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.plugins import plugin_loaded
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.core.withdrawal.actions import Action, checked, named, refuse_resource
from ckanext.kzopen.rows.model import is_published

NAMES = ("resource_id", "id")
"""What CKAN takes the table's name from: the second one takes the place of the first."""
WRITES = ("datastore_create", "datastore_upsert", "datastore_delete", "datastore_records_delete")


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen_rows` gives CKAN; none where its plugin `datastore` is off."""
    return chained() if plugin_loaded("datastore") else {}


def chained() -> dict[str, Action]:
    """Our part of DataStore's actions."""
    return {name: _guarded(name) for name in WRITES}


def _guarded(name: str) -> Action:
    def guard(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
        """CKAN's action; whoever may change the table is told how, and nothing is changed. A withdrawn one is told as gone."""
        for resource_id in named(data_dict, *NAMES):
            checked(refuse_resource, resource_id)
            if not context.get("ignore_auth") and is_published(model.Session(), resource_id):
                tk.check_access(name, context, {**data_dict, "resource_id": resource_id})
                raise tk.NotAuthorized(KzError("rows.published_by_deliveries").text(request_language()))
        return original(context, data_dict)

    chained: Action = tk.chained_action(guard)
    return chained

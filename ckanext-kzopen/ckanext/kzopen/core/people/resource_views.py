"""A view belongs to the resource that it shows, whatever resource the caller names.

CKAN's `resource_view_update` asks for the right to change the resource of the caller's own `resource_id`: an editor of one
agency could change the views of every other one by naming a resource of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model

Context = Any
Answer = dict[str, Any]
Right = Callable[[Context, dict[str, Any]], Answer]


@tk.chained_auth_function
def of_its_own_resource(original: Right, context: Context, data_dict: dict[str, Any]) -> Answer:
    """The right to change the resource that the view lies at, and the one that the caller wants it at."""
    view = model.ResourceView.get(str(data_dict.get("id", "")))
    if view is None:
        return {"success": False}
    owner = {"id": view.resource_id}
    present: Answer = authz.is_authorized("resource_update", tk.fresh_context(context), owner)
    if not present["success"]:
        return present
    return original(context, {**data_dict, "resource_id": data_dict.get("resource_id") or view.resource_id})


def rights() -> dict[str, Right]:
    """The authorization functions that plugin `kzopen` gives CKAN."""
    return {"resource_view_update": of_its_own_resource}

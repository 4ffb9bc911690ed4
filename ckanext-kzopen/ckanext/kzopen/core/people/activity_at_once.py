"""The activity of a new data set is written in the transaction that makes it.

CKAN's plugin `activity` hears of it after the commit: it reads the data set again, checks what the action has just made, and
commits once more. A death in between left a data set without its activity. (Where CKAN makes a view for a new resource, which
those of tables are not, it still commits the data set before.) Whoever calls `package_create` with `defer_commit` gets
CKAN's own activity, in that transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.navl.dictization_functions import MissingNullEncoder
from ckan.lib.plugins import get_permission_labels
from ckan.plugins import plugin_loaded

Tell = Callable[..., None]

_WRITTEN = "kzopen_activities_of_new"
"""In a session's `info`: the activities that it has written so, by the data set's id."""


@cache
def attach() -> None:
    """Once in a process that has CKAN's plugin."""
    from ckanext.activity import subscriptions

    subscriptions._create_package_activity = _unless_written(subscriptions._create_package_activity)


def write(package: Mapping[str, Any]) -> None:
    """The activity of a data set that the session has made and not committed; `package` is what `package_show` gives of it.

    It is left to CKAN, which tells what is wrong, where the data set has no author.
    """
    if not plugin_loaded("activity") or not tk.config["ckan.activity_streams_enabled"]:
        return
    session = model.Session()
    made = session.get(model.Package, package["id"])
    author = made and model.User.get(made.creator_user_id)
    if not author:
        return
    from ckanext.activity.model import Activity

    told = {"package": json.loads(json.dumps(package, cls=MissingNullEncoder)), "actor": author.name}
    activity = Activity(author.id, made.id, "new package", told, get_permission_labels().get_dataset_labels(made))
    session.add(activity)
    session.info.setdefault(_WRITTEN, {})[made.id] = activity


def _unless_written(tell: Tell) -> Tell:
    """CKAN's function, for what has no activity yet: a transaction that was rolled back has taken it back."""

    def told(activity_type: str, reference: str, context: Any) -> None:
        session = model.Session()
        written = session.info.get(_WRITTEN, {}).pop(reference, None) if activity_type == "new" else None
        if written is None or written not in session:
            tell(activity_type, reference, context)

    return told

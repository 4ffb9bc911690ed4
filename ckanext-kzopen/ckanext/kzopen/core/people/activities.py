"""Lists of activities tell nobody about a data set that they may not see, and only its authors see what a file was.

CKAN decides by what a data set was when the activity happened, or not at all ("FIXME: Filter out activities whose subject or
object the user is not authorized to read"): one that was made private, or is a draft, keeps telling its title to everyone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.plugins import plugin_loaded
from ckanext.kzopen.core.people import reads
from flask import Flask, request
from sqlalchemy import select

Context = Any
Activities = list[dict[str, Any]]
Action = Callable[[Context, dict[str, Any]], Activities]
LISTS = (
    "dashboard_activity_list",
    "group_activity_list",
    "organization_activity_list",
    "recently_changed_packages_activity_list",
)


@tk.side_effect_free
@tk.chained_action
def only_visible(original: Action, context: Context, data_dict: dict[str, Any]) -> Activities:
    """The activities without those of data sets that the caller may not see; a page may hold fewer than its limit."""
    return _without_hidden(context, original(context, data_dict))


@tk.side_effect_free
@tk.chained_action
def of_a_person(original: Action, context: Context, data_dict: dict[str, Any]) -> Activities:
    """The same, and noted: it tells what somebody has done."""
    found = original(context, data_dict)
    person = model.User.get(str(data_dict.get("id", "")))
    if person is not None and not context.get("ignore_auth"):
        reads.note(("doings",), [person.id])
    return _without_hidden(context, found)


def _without_hidden(context: Context, found: Activities) -> Activities:
    about = {row["object_id"] for row in found if _is_about_a_dataset(row)}
    hidden = about - _visible(about, context.get("user") or "")
    return [row for row in found if row["object_id"] not in hidden]


def _is_about_a_dataset(row: dict[str, Any]) -> bool:
    return row["activity_type"].endswith("package") or "package" in (row.get("data") or {})


def _visible(package_ids: Iterable[str], user: str) -> set[str]:
    """Those of these data sets that `user` may see: the public ones by one query, the others by CKAN's own right."""
    wanted = select(model.Package.id, model.Package.private, model.Package.state).where(model.Package.id.in_(package_ids))
    found = model.Session.execute(wanted).all()
    return {row.id for row in found if (row.state == "active" and not row.private) or _may_see(user, row.id)}


def _may_see(user: str, package_id: str) -> bool:
    try:
        tk.check_access("package_show", {"user": user}, {"id": package_id})
    except tk.NotAuthorized:
        return False
    return True


def install(app: Flask) -> None:
    app.before_request(keep_the_past)


def keep_the_past() -> None:
    """Refuse a file's page as it was to whom the data set's is refused; CKAN asks only whether it may be read now."""
    if request.endpoint != "activity.resource_history":
        return
    context = {"user": current_user.name, "auth_user_obj": current_user}
    try:
        tk.check_access("activity_data_show", context, {"id": (request.view_args or {})["activity_id"]})
    except (tk.NotAuthorized, TypeError):  # CKAN looks for a label in those of the activity, and one may have none
        tk.abort(403)
    except tk.ObjectNotFound:
        pass  # CKAN's page says so


CHAINED: dict[str, Action] = {**dict.fromkeys(LISTS, only_visible), "user_activity_list": of_a_person}


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen` gives CKAN; none where its plugin `activity` is off."""
    return CHAINED if plugin_loaded("activity") else {}

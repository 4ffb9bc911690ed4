"""Whose account others may see: CKAN shows every account to everyone who is signed in, and citizens have accounts here.

Who works in an agency is seen by those who work in some agency; who answers for a data set is told on its page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.people import rights
from ckanext.kzopen.core.web.errors import KzError
from flask import Flask, Response, request

Context = Any
Answer = dict[str, Any]
Right = Callable[[Context, dict[str, Any]], Answer]
LISTS = ("user_autocomplete", "user_list")
ABOUT_COLLABORATORS = ("package_collaborator_create", "package_collaborator_delete", "package_collaborator_list")
PAGES_OF_STAFF = ("group.admins", "organization.admins")
"""Pages of CKAN that name people and ask for no right."""
REFUSED: Answer = {"success": False}


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def for_staff(original: Right, context: Context, data_dict: dict[str, Any]) -> Answer:
    """Lists of accounts are for those who work in some agency."""
    return original(context, data_dict) if is_staff(context.get("user") or "") else REFUSED


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def for_oneself_and_staff(original: Right, context: Context, data_dict: dict[str, Any]) -> Answer:
    """An account is seen by its owner and by those who work in some agency."""
    user = context.get("user") or ""
    wanted = data_dict.get("id") or getattr(context.get("user_obj"), "id", None)
    own = bool(user) and wanted is not None and model.User.get(wanted) is model.User.get(user)
    return original(context, data_dict) if own or is_staff(user) else REFUSED


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def people_for_staff(original: Right, context: Context, data_dict: dict[str, Any]) -> Answer:
    """The people among the members of a group or an organisation; its data sets are for everyone."""
    names_people = data_dict.get("object_type") in (None, "", "user")
    return REFUSED if names_people and not is_staff(context.get("user") or "") else original(context, data_dict)


@tk.chained_auth_function
def for_accounts(original: Right, context: Context, data_dict: dict[str, Any]) -> Answer:
    """Collaborators of a data set are not for anonymous readers; CKAN's own function fails on them instead of refusing."""
    return original(context, data_dict) if model.User.get(context.get("user")) else REFUSED


def is_staff(user: str) -> bool:
    """Whether `user` holds some role of the staff."""
    return bool(user) and rights.allowed(user, "desk.enter")


def install(app: Flask) -> None:
    app.before_request(keep_from_public)


def keep_from_public() -> Response | None:
    """Send who is not signed in to sign in; raise KzError web.not_allowed for a citizen."""
    if request.endpoint not in PAGES_OF_STAFF or is_staff(tk.current_user.name):
        return None
    if tk.current_user.is_anonymous:
        answer: Response = tk.h.redirect_to("user.login", came_from=request.path)
        return answer
    raise KzError("web.not_allowed", right="desk.enter")


def auth_functions() -> dict[str, Right]:
    """The authorization functions that plugin `kzopen` gives CKAN."""
    return {
        **dict.fromkeys(LISTS, for_staff),
        **dict.fromkeys(ABOUT_COLLABORATORS, for_accounts),
        "member_list": people_for_staff,
        "user_show": for_oneself_and_staff,
    }

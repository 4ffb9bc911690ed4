"""CKAN's own ways to make and change accounts end in ours: its pages lead to our pages, its API keeps our rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckanext.kzopen.core.people.accounts import letters, links, tokens
from ckanext.kzopen.core.people.sessions import store
from ckanext.kzopen.core.record.events import write_event
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import Flask, Response, request

Context = Any
Action = Callable[[Context, dict[str, Any]], dict[str, Any]]
Right = Callable[[Context, dict[str, Any]], dict[str, Any]]
PAGES = {
    "user.register": "kzopen_account.sign_up",
    "user.request_reset": "kzopen_account.recover",
    "user.perform_reset": "kzopen_account.recover",
}
"""Pages of CKAN, and ours that take their place for everybody."""
OWN_PAGES = {"user.edit": "kzopen_account.overview", "user.delete": "kzopen_account.delete"}
"""The same for one's own account; an operator goes on changing others' accounts on CKAN's page."""
PASSWORDS = ("password", "password1", "password_hash", "reset_key", "apikey")


def install(app: Flask) -> None:
    app.before_request(lead_to_ours)


def lead_to_ours() -> Response | None:
    """Nothing that was sent to a page of CKAN's is done."""
    endpoint = request.endpoint or ""
    wanted = PAGES.get(endpoint) or (OWN_PAGES.get(endpoint) if _is_own() else None)
    return tk.redirect_to(wanted) if wanted else None


def _is_own() -> bool:
    named = (request.view_args or {}).get("id")
    return tk.current_user.is_authenticated and named in (None, tk.current_user.id, tk.current_user.name)


@tk.chained_action
def user_update(original: Action, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """E-mail and password are the owner's to change on our pages, where they are confirmed; an operator may set them."""
    user = model.User.get(str(data_dict.get("id") or ""))
    if user is None or _is_free(context):
        return _watched(original, context, data_dict, user)
    given = data_dict.get("email")
    changed = given is not None and str(given).strip() != (user.email or "") and given != ""
    if changed or any(data_dict.get(name) for name in PASSWORDS):
        sentence = KzError("people.change_on_the_page", page=tk.h.url_for("kzopen_account.overview", _external=True))
        raise tk.NotAuthorized(sentence.text(request_language()))
    return original(context, data_dict)


def _is_free(context: Context) -> bool:
    return bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user") or "")


def _watched(original: Action, context: Context, data_dict: dict[str, Any], user: model.User | None) -> dict[str, Any]:
    """What an operator sets is logged; a new password or address, or a closed account, ends its sessions and tokens."""
    before = (user.email, user.password, user.state, user.sysadmin) if user else None
    done = original(context, data_dict)
    now = model.User.get(done["id"])
    if before is None or now is None or before == (now.email, now.password, now.state, now.sysadmin):
        return done
    actor = model.User.get(context.get("user") or "")
    write_event(model.Session, kind="account", object_id=now.id, verb="set_by_operator", actor=actor.id if actor else None)
    links.end(model.Session, now.id)
    revoked = tokens.revoke(model.Session, now.id, actor.id if actor else None)
    if now.password != before[1] and now.state == model.State.ACTIVE:
        letters.tell(model.Session, now, "password_changed", tokens=revoked, recovered=False, connections="")
    if not context.get("defer_commit"):
        model.Session.commit()
    store.end_all(now.id)
    return done


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def no_reset_keys(original: Right, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """CKAN lets whoever knows the key of its own reset mails change the account; ours are links of another kind."""
    return {"success": False} if "reset_key" in (data_dict or {}) else original(context, data_dict)


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen` gives CKAN."""
    return {"user_update": user_update}


def rights() -> dict[str, Right]:
    """The authorization functions that plugin `kzopen` gives CKAN."""
    return {"user_update": no_reset_keys}

"""CKAN's own actions and pages that tell of accounts: what they show of others is noted (`reads`).

Actions are the place, since both the API and most pages of CKAN go through them. What code of the portal asks for without
regard to rights (`ignore_auth`) is not shown to anybody by that, and not noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckanext.kzopen.core.people import reads
from flask import Flask, Response, has_request_context, request
from sqlalchemy import select

Context = Any
Action = Callable[[Context, dict[str, Any]], Any]
PROFILE = ("about", "created", "name")
WITH_EMAIL = (*PROFILE, "email")
NAME = ("name",)


@tk.side_effect_free
@tk.chained_action
def an_account(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """One account; the e-mail is among what is shown where CKAN has put it in."""
    found = original(context, data_dict)
    _note(context, WITH_EMAIL if found.get("email") else PROFILE, [found["id"]])
    return found


@tk.side_effect_free
@tk.chained_action
def accounts(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Lists of accounts: as dicts, as names, or as the query of which CKAN's page shows a part."""
    found = original(context, data_dict)
    if context.get("return_query"):
        _note(context, WITH_EMAIL if tk.current_user.sysadmin else PROFILE, _on_the_page(found))
    elif found and isinstance(found[0], str):
        wanted = select(model.User.id).where(model.User.name.in_(found))
        _note(context, NAME, model.Session.scalars(wanted))
    elif found:
        _note(context, _shown(found, context.get("user")), [row["id"] for row in found])
    return found


def _shown(rows: list[dict[str, Any]], user: str | None) -> set[str]:
    """Which of the fields stand in rows about others: CKAN gives operators more, and everybody their own e-mail."""
    return {name for row in rows if row["name"] != user for name in WITH_EMAIL if row.get(name)} or set(NAME)


def _on_the_page(query: Any) -> list[str]:
    """Those whom CKAN's page of accounts shows: it cuts its page out of the query itself."""
    if not has_request_context():
        return []
    limit = request.args.get("limit", tk.config["ckan.user_list_limit"], int)
    shown = query.limit(limit).offset((tk.h.get_page_number(request.args) - 1) * limit)
    return [row[0].id for row in shown]


@tk.side_effect_free
@tk.chained_action
def members(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """The people among the members of a group or an organisation."""
    found = original(context, data_dict)
    _note(context, ("name", "role"), [row[0] for row in found if row[1] == "user"], _organization(data_dict))
    return found


@tk.side_effect_free
@tk.chained_action
def a_group(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """The people of a group or an organisation, where they were asked for."""
    found = original(context, data_dict)
    shown = [row["id"] for row in found.get("users") or ()]
    if shown:
        _note(context, (*PROFILE, "role"), shown, [found["id"]] if found.get("is_organization") else ())
    return found


@tk.side_effect_free
@tk.chained_action
def of_an_account(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """What a person follows or has issued. CKAN's own function sets `ignore_auth` on its way: it is asked for before."""
    asked: Context = {"ignore_auth": context.get("ignore_auth")}
    found = original(context, data_dict)
    person = model.User.get(str(data_dict.get("id") or data_dict.get("user_id") or data_dict.get("user") or ""))
    _note(asked, ("doings",), [person.id] if person else ())
    return found


LISTS = ("user_list", "user_autocomplete", *(f"{kind}_follower_list" for kind in ("dataset", "group", "organization", "user")))
OF_AN_ACCOUNT = (
    "api_token_list",
    "followee_list",
    *(f"{kind}_followee_list" for kind in ("dataset", "group", "organization", "user")),
)
ACTIONS: dict[str, Action] = {
    "user_show": an_account,
    "member_list": members,
    "group_show": a_group,
    "organization_show": a_group,
    **dict.fromkeys(LISTS, accounts),
    **dict.fromkeys(OF_AN_ACCOUNT, of_an_account),
}


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen` gives CKAN."""
    return ACTIONS


def install(app: Flask) -> None:
    """Some pages of CKAN name people without an action."""
    app.after_request(note_page)


def note_page(answer: Response) -> Response:
    shown = PAGES.get(request.endpoint or "")
    if shown is not None and answer.status_code == 200:
        reads.note(NAME, shown())
    return answer


def _operators() -> Iterable[str]:
    wanted = select(model.User.id).where(model.User.sysadmin.is_(True), model.User.state == "active")
    return model.Session.scalars(wanted)


def _administrators() -> Iterable[str]:
    return authz.get_group_or_org_admin_ids((request.view_args or {}).get("id"))


PAGES: dict[str, Callable[[], Iterable[str]]] = {
    "admin.index": _operators,
    "group.admins": _administrators,
    "organization.admins": _administrators,
}
"""Pages that name people without an action, and whom they name."""


def _organization(data_dict: dict[str, Any]) -> list[str]:
    group = model.Group.get(str(data_dict.get("id", "")))
    return [group.id] if group is not None and group.is_organization else []


def _note(context: Context, fields: Iterable[str], people: Iterable[str], agencies: Iterable[str] = ()) -> None:
    if not context.get("ignore_auth"):
        reads.note(fields, people, agencies=agencies)

"""CKAN's lists that are made past the search tell of nothing that the caller would not find by it.

CKAN reads tags and formats of all data sets, whoever asks, and knows nothing of a data set that opens later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib.plugins import get_permission_labels
from ckan.plugins import plugin_loaded
from ckanext.kzopen.publishing import index
from sqlalchemy import ColumnElement, Select, and_, event, or_, select
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria

Context = Any
ACTIVITIES = (
    "dashboard_activity_list",
    "group_activity_list",
    "organization_activity_list",
    "recently_changed_packages_activity_list",
    "user_activity_list",
)
Action = Callable[[Context, dict[str, Any]], Any]
PAGE = ("limit", "offset")
HIGHEST = 2**31 - 1
"""The highest number of a page: PostgreSQL knows greater ones, nobody needs them."""


@tk.side_effect_free
@tk.chained_action
def package_list(_original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Names, or ids where CKAN gives them, of public data sets but for those that open later."""
    page = _page(data_dict)
    tk.check_access("package_list", context, data_dict)
    told = model.Package.id if context.get("api_version") == 2 else model.Package.name
    wanted = select(told).where(model.Package.state == "active", _opened()).order_by(told)
    return list(model.Session.scalars(wanted.limit(page.get("limit") or None).offset(page.get("offset"))))


@tk.side_effect_free
@tk.chained_action
def of_resources(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Resources of data sets that the caller may find, or their formats."""
    with _only(model.Resource, model.Resource.package_id.in_(_found_by(context))):
        return original(context, _rest(data_dict) | _page(data_dict))


@tk.side_effect_free
@tk.chained_action
def tags(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Tags that some data set bears which the caller may find; those of a vocabulary are there without any."""
    asked = _rest(data_dict) | _page(data_dict)
    if data_dict.get("vocabulary_id"):
        return original(context, asked)
    with _only(model.PackageTag, _borne_for(context)):
        return original(context, asked)


@tk.side_effect_free
@tk.chained_action
def tag_show(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """A tag; ObjectNotFound for one that is only on data sets which the caller may not find.

    CKAN asks the search for its data sets as if nobody in particular wanted to know.
    """
    found = original(context, data_dict)
    if found.get("vocabulary_id") is None and not _is_borne(context, found["id"]):
        raise tk.ObjectNotFound
    if found.get("packages"):
        shown = _findable(context, [package["id"] for package in found["packages"]])
        found["packages"] = [package for package in found["packages"] if package["id"] in shown]
    return found


@tk.side_effect_free
@tk.chained_action
def member_list(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Members of an organisation or a group, without the data sets that the caller may not find."""
    found = original(context, data_dict)
    if context.get("ignore_auth"):  # a program that sees to all of them
        return found
    shown = _findable(context, [row[0] for row in found if row[1] == "package"])
    return [row for row in found if row[1] != "package" or row[0] in shown]


@tk.side_effect_free
@tk.chained_action
def activities(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """What happened, but for data sets that open later; a page may hold fewer than its limit."""
    found = original(context, data_dict)
    later = _later() & {row["object_id"] for row in found}
    hidden = later - _findable(context, later) if later else later
    return [row for row in found if row["object_id"] not in hidden]


def _findable(context: Context, ids: Iterable[str]) -> set[str]:
    wanted = select(model.Package.id).where(model.Package.id.in_(list(ids)), _may_find(context))
    return set(model.Session.scalars(wanted))


def _found_by(context: Context) -> Select[tuple[str]]:
    return select(model.Package.id).where(_may_find(context))


def _borne_for(context: Context) -> ColumnElement[bool]:
    return and_(model.PackageTag.state == "active", model.PackageTag.package_id.in_(_found_by(context)))


def _is_borne(context: Context, tag: str) -> bool:
    found = select(model.PackageTag.id).where(model.PackageTag.tag_id == tag, _borne_for(context)).limit(1)
    return model.Session.scalar(found) is not None


@contextmanager
def _only(kind: Any, holds: ColumnElement[bool]) -> Iterator[None]:
    """Meanwhile the session reads only those rows of a model for which this holds: CKAN's own query counts and pages them."""
    session = model.Session()

    def narrowed(asked: ORMExecuteState) -> None:
        asked.statement = asked.statement.options(with_loader_criteria(kind, holds))

    event.listen(session, "do_orm_execute", narrowed)
    try:
        yield
    finally:
        event.remove(session, "do_orm_execute", narrowed)


def _later() -> set[str]:
    return set(model.Session.scalars(index.later()))


def _may_find(context: Context) -> ColumnElement[bool]:
    """What holds for the data sets that the caller may find, as `search.visibility` says it of documents."""
    user = context.get("user") or ""
    active = model.Package.state == "active"
    if context.get("ignore_auth") or (user and authz.is_sysadmin(user)):
        return active
    person = model.User.get(user) if user else None
    labels = get_permission_labels().get_user_dataset_labels(person)
    agencies = [label.removeprefix("member-") for label in labels if label.startswith("member-")]
    return and_(active, or_(_opened(), model.Package.owner_org.in_(agencies)))


def _opened() -> ColumnElement[bool]:
    """What holds for data sets, but for their state, that everybody may find."""
    return and_(model.Package.private.is_(False), model.Package.id.not_in(index.later()))


def _rest(data_dict: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data_dict.items() if name not in PAGE}


def _page(data_dict: dict[str, Any]) -> dict[str, int]:
    """The page that was asked for, as numbers; ValidationError for what is none, where CKAN would fail or take it as it is."""
    given = {name: data_dict[name] for name in PAGE if data_dict.get(name) not in (None, "")}
    return {name: _number(name, value) for name, value in given.items()}


def _number(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= HIGHEST:
        raise tk.ValidationError({name: [tk._("Must be a natural number")]})
    return number


def actions() -> dict[str, Any]:
    """The actions that plugin `kzopen_publishing` gives CKAN."""
    lists = dict.fromkeys(ACTIVITIES, activities) if plugin_loaded("activity") else {}
    return {
        **lists,
        "package_list": package_list,
        **dict.fromkeys(("resource_search", "format_autocomplete"), of_resources),
        **dict.fromkeys(("tag_list", "tag_autocomplete", "tag_search"), tags),
        "tag_show": tag_show,
        "member_list": member_list,
    }

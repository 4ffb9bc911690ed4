"""Actions of agencies in CKAN's API. Agencies are named by id, address or BIN; `auth.py` says who may do what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.agencies.model import Agency
from ckanext.kzopen.core.reorganisation import acting, acts, checks, showing, taking_back
from ckanext.kzopen.core.reorganisation.importing import agency_import
from ckanext.kzopen.core.reorganisation.schema import Creation, Liquidation, Moving, Renaming, Update, parsed
from ckanext.kzopen.core.web.actions import in_ckan_s_words
from ckanext.kzopen.core.web.errors import KzError

Context = Any
Answer = dict[str, Any]


def agency_create(context: Context, data_dict: Answer) -> Answer:
    """Make an agency, and CKAN's organisation that stores it; operators only.

    `title` and `short` are objects with the languages kk, ru and en; `kind`, `bin`, `kato`, `parent`, `address` are texts;
    `names` is a list of all names with `since` and `until` where the history is known. Returns the agency.
    """
    tk.check_access("agency_create", context, data_dict)
    wanted = parsed(Creation, data_dict)
    return _done(acts.create(model.Session, wanted, context["user"], acting.of_context(context)))


def agency_update(context: Context, data_dict: Answer) -> Answer:
    """Change kind, codes or address of the agency `id`, or mend a slip in its present name; no former name comes of it."""
    tk.check_access("agency_update", context, data_dict)
    return _done(acts.update(model.Session, parsed(Update, data_dict), acting.of_context(context)))


def agency_rename(context: Context, data_dict: Answer) -> Answer:
    """Give the agency `id` another name from the day `since` on, today without it. A later day takes effect by itself.

    Until then `cancel` takes it back.
    """
    tk.check_access("agency_rename", context, data_dict)
    wanted = parsed(Renaming, data_dict)
    act = taking_back.name if wanted.cancel else acts.rename
    return _done(act(model.Session, wanted, acting.of_context(context)))


def agency_move(context: Context, data_dict: Answer) -> Answer:
    """Put the agency `id` below `parent` from the day `since` on; below nobody without `parent`.

    A later day takes effect by itself; until then `cancel` takes it back.
    """
    tk.check_access("agency_move", context, data_dict)
    wanted = parsed(Moving, data_dict)
    act = taking_back.place if wanted.cancel else acts.move
    return _done(act(model.Session, wanted, acting.of_context(context)))


def agency_liquidate(context: Context, data_dict: Answer) -> Answer:
    """End the agency `id` on the day `on`, today without it; everything it owns goes over to `successor`.

    A later day takes effect by itself; until then `cancel` takes it back. `went` tells what went over at once, by name.
    """
    tk.check_access("agency_liquidate", context, data_dict)
    row, went = acts.liquidate(model.Session, parsed(Liquidation, data_dict), acting.of_context(context))
    return {**_done(row), "went": went}


@tk.side_effect_free
def agency_show(context: Context, data_dict: Answer) -> Answer:
    """The agency `id`: names now and formerly, codes, place in the tree, state, successor; as of the day `at` if given."""
    tk.check_access("agency_show", context, data_dict)
    return showing.whole(model.Session, checks.known(model.Session, str(data_dict.get("id", ""))), _day(data_dict))


@tk.side_effect_free
def agency_tree(context: Context, data_dict: Answer) -> list[Answer]:
    """Every agency with id, address, names, kind, state and parent, parents before children; `under` names the top one."""
    tk.check_access("agency_tree", context, data_dict)
    under = data_dict.get("under")
    return showing.listed(model.Session, checks.known(model.Session, str(under)).id if under else None)


def _done(row: Agency) -> Answer:
    model.Session.commit()
    return showing.whole(model.Session, row)


def _day(data_dict: Answer) -> date | None:
    given = data_dict.get("at")
    try:
        return date.fromisoformat(str(given)) if given else None
    except ValueError as error:
        raise KzError("agencies.date_wrong", date=str(given)[:50]) from error


HERE = (agency_create, agency_update, agency_rename, agency_move, agency_liquidate, agency_show, agency_tree, agency_import)


def actions() -> dict[str, Callable[..., Any]]:
    """The actions that plugin `kzopen` gives CKAN."""
    return {function.__name__: in_ckan_s_words(function) for function in HERE}

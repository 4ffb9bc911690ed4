"""CKAN's own actions tell nobody of a withdrawn data set or file: pages, APIs and downloads all ask them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import lookups
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.withdrawal.tombstones import refuse, refuse_if_gone, tombstone_named
from flask import g, has_request_context

Context = Any
Action = Callable[..., Any]
Check = Callable[[str], None]


def refuse_dataset(reference: str) -> None:
    """Raise Gone for a data set, by id or name, that was withdrawn; one that was purged since is known by its name."""
    session = model.Session()
    package = model.Package.get(reference)
    if package is not None:
        if not lookups.is_made(session, package.id):
            refuse_if_gone(session, "dataset", package.id)
    else:
        refuse(tombstone_named(session, "dataset", reference))


def refuse_resource(resource_id: str) -> None:
    """Raise Gone for a file or table that was withdrawn by itself or with its data set."""
    session = model.Session()
    refuse_if_gone(session, "resource", resource_id)
    resource = model.Resource.get(resource_id)
    if resource is not None and resource.package_id:
        refuse_if_gone(session, "dataset", resource.package_id)


def guarded(check: Check, *names: str) -> Action:
    """A chained action that is not reached for what was withdrawn; `names` are its arguments that may name the thing."""

    def guard(original: Action, context: Context, data_dict: dict[str, Any]) -> Any:
        """CKAN's action; of what was withdrawn it tells 410 with the reason."""
        for reference in named(data_dict, *names):
            checked(check, reference)
        return original(context, data_dict)

    chained: Action = tk.chained_action(guard)
    return chained


def named(data_dict: Mapping[str, Any], *names: str) -> list[str]:
    """What the arguments of these names say, where they are texts: CKAN may take any of them."""
    return [data_dict[name] for name in names if isinstance(data_dict.get(name), str)]


def checked(check: Check, reference: str) -> None:
    """Run the check; a refusal is remembered for the request, because CKAN's action API does not hand it on."""
    try:
        check(reference)
    except KzError as refused:
        if has_request_context():
            g.kzopen_withdrawn = refused
        raise


def reading(check: Check, *names: str) -> Action:
    """The same for an action that only reads, and so may be called by GET."""
    found: Action = tk.side_effect_free(guarded(check, *names))
    return found


def actions() -> dict[str, Action]:
    """The actions that plugin `kzopen` gives CKAN."""
    return {
        "package_show": reading(refuse_dataset, "id", "name_or_id"),
        "package_update": guarded(refuse_dataset, "id", "name"),
        "resource_show": reading(refuse_resource, "id"),
    }

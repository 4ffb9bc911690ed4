"""When CKAN purges a data set, what the publish path keeps of it goes with it.

The passport and the versions go in the transaction of CKAN's own action; the table in DataStore and the files follow
(files that are left by a crash are leftovers, which `rows.store` finds). Deliveries and events stay: they are the record.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.record import write_event
from ckanext.kzopen.publishing.datasets import user_id
from ckanext.kzopen.publishing.model import AcceptedRepair, Passport
from ckanext.kzopen.publishing.site import Site, configured
from ckanext.kzopen.rows.model import TableFile, Version
from psycopg2 import InternalError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Forgotten:
    """What is still to be cleared away after the commit."""

    resource_id: str
    paths: list[str]


@tk.chained_action
def dataset_purge(original: Callable[..., Any], context: Any, data_dict: Any) -> Any:
    """CKAN's action, with passport, versions, files and DataStore's table."""
    tk.check_access("dataset_purge", context, data_dict)
    package = model.Package.get(tk.get_or_bust(data_dict, "id"))
    forgotten = forget(model.Session(), package.id, str(context.get("user") or "")) if package else None
    result = original(context, data_dict)
    if forgotten:
        clear_away(configured(), forgotten)
    return result


def forget(session: Session, package_id: str, user: str) -> Forgotten | None:
    """Delete the passport and the versions of a package in the caller's transaction; None when it has no passport."""
    passport = session.get(Passport, package_id)
    if passport is None:
        return None
    paths = list(session.scalars(select(TableFile.path).where(TableFile.package_id == package_id)))
    numbers = session.scalar(select(func.count()).where(Version.package_id == package_id))
    for table in (TableFile, Version, AcceptedRepair):
        session.execute(delete(table).where(table.package_id == package_id))
    session.delete(passport)
    old = {"uri": passport.uri, "versions": numbers}
    write_event(session, kind="dataset", object_id=package_id, verb="purge", actor=user_id(user), old=old)
    return Forgotten(passport.resource_id, paths)


def clear_away(site: Site, forgotten: Forgotten) -> None:
    """Remove the table from DataStore and the files of the versions."""
    # Loaded here: web processes must not carry the libraries that read files until they need them.
    from ckanext.kzopen.publishing.settle import datastore_transaction
    from ckanext.kzopen.rows import datastore, store

    for pause in (0.1, 0.5, None):
        try:
            with datastore_transaction() as connection:
                datastore.drop(connection, forgotten.resource_id)
            break
        except InternalError:  # somebody grants a right on the table at this very moment, which waits for no lock
            if pause is None:
                raise
            time.sleep(pause)
    for path in forgotten.paths:
        store.delete(site.files_url, path)

"""What is derived from the current version: DataStore's table, its labels, the preview on the page. Safe to run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core import jobs
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.package import site_user
from ckanext.kzopen.publishing.waiting import tell
from ckanext.kzopen.rows import described
from ckanext.kzopen.rows import model as versions
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

# pyarrow stays out of the web processes.
if TYPE_CHECKING:
    from ckanext.kzopen.rows.staging import Staging


TASK_LABELS = "publishing.show_labels"
TASK_INDEXES = "publishing.make_indexes"


def settle(session: Session, delivery: Delivery) -> None:
    """Bring what is derived from the current version in line with it: DataStore's table, the preview on the page; commits."""
    from ckanext.kzopen.rows import current as current_tables

    passport = session.get_one(Passport, delivery.package_id)
    current = versions.latest(session, passport.uri)
    if current is None:
        return
    bring_datastore(current)
    if not _labels_are_shown(session, current):
        defer_labels(session, passport.package_id)
    if not current_tables.has_indexes(current, passport.schema):
        defer_indexes(session, passport.package_id)
    delivery.settled, delivery.error = delivery.settled or datetime.now(UTC), None
    tell(session, delivery.id)
    session.commit()
    ensure_preview(passport)


def bring_datastore(current: versions.Version) -> bool:
    """Make DataStore show `current`, if it does not yet, by loading it anew from the version's files; whether it did not."""
    from ckanext.kzopen.rows import current as current_tables
    from ckanext.kzopen.rows import datastore

    with datastore_transaction() as connection:
        found = datastore.mark(connection, str(current.resource_id))
    if found == current.sha256:
        return False
    current_tables.reload(current)
    return True


def defer_labels(session: Session, package_id: str) -> None:
    """Let the worker bring the labels of the columns to DataStore once the caller's transaction is committed."""
    jobs.defer(session, TASK_LABELS, package=package_id)


def defer_indexes(session: Session, package_id: str) -> None:
    """Let the worker make the indexes of columns that are newly looked up, and remove those of columns that are not any more,
    once the caller's transaction is committed; of several changes at a time the last one's job does it, and no two at once."""
    lock = f"indexes:{package_id}"
    jobs.defer(session, TASK_INDEXES, lock=lock, queueing_lock=lock, package=package_id)


def bring_labels(session: Session, package_id: str) -> None:
    """Let DataStore tell the columns as the passport does now; commits.

    A passport that is saved meanwhile waits for the end, and has a job of its own; so the last labels stay. Raises
    psycopg2's LockNotAvailable while the words of a large table are indexed.
    """
    from ckanext.kzopen.rows import dictionary

    passport = session.get(Passport, package_id, populate_existing=True, with_for_update={"read": True})
    current = versions.latest(session, passport.uri) if passport else None
    if current is not None:
        with datastore_transaction() as connection:
            dictionary.show(connection, str(current.resource_id), described.schema_of(session, current))
    session.commit()


def _labels_are_shown(session: Session, current: versions.Version) -> bool:
    """A passport that was saved while a delivery was loaded has labels that the new table does not know."""
    from ckanext.kzopen.rows import dictionary

    with datastore_transaction() as connection:
        return dictionary.is_shown(connection, str(current.resource_id), described.schema_of(session, current))


def ensure_preview(passport: Passport) -> None:
    """Give the resource CKAN's default views once; a resource that has views is left alone."""
    context = {"user": site_user(), "ignore_auth": True}
    if model.Resource.get(passport.resource_id) is None or _has_views(passport.resource_id):
        return
    package = tk.get_action("package_show")(dict(context), {"id": passport.package_id})
    create_preview(passport, package, context)


def create_preview(passport: Passport, package: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Give the table's resource CKAN's default views; `package` holds it as CKAN or its maker tells it."""
    resource = next(one for one in package["resources"] if one["id"] == passport.resource_id)
    given = {"resource": resource, "package": package, "create_datastore_views": True}
    tk.get_action("resource_create_default_resource_views")(dict(context), given)


def _has_views(resource_id: str) -> bool:
    return model.Session.query(model.ResourceView).filter_by(resource_id=resource_id).first() is not None


@contextmanager
def datastore_transaction() -> Iterator[Connection]:
    """A transaction with write rights in CKAN's DataStore, committed at the end of the block."""
    from ckanext.datastore.backend.postgres import get_write_engine

    # begin(), not connect(): `rows.datastore` uses the driver's cursor, and without it the commit would do nothing.
    with get_write_engine().begin() as connection:
        yield connection


def staging(passport: Passport) -> Staging:
    """A place in DataStore for the rows of the data set's next version, which nobody sees until they are switched to."""
    from ckanext.datastore.backend.postgres import get_write_engine
    from ckanext.kzopen.rows.staging import Staging

    return Staging(get_write_engine(), passport.resource_id, passport.schema)

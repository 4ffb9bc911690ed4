"""The last step of the publish path: a checked table becomes the current version.

Order, and what a death between its steps leaves: the Parquet file (no version names it: tidied away); a hidden table in
DataStore's open transaction (rolled back); the commit of version, state, package, event and outbox together, which is the
truth; the switch of DataStore and its commit (`settle`, when the job is run again, makes it agree).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ckanext.kzopen.core import outbox, record, states
from ckanext.kzopen.core.withdrawal import tombstone
from ckanext.kzopen.publishing import package
from ckanext.kzopen.publishing.decide import step_to_accepted
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.refusal import Refused
from ckanext.kzopen.publishing.settle import datastore_transaction
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.publishing.waiting import is_decided
from ckanext.kzopen.rows import model as versions
from sqlalchemy import text
from sqlalchemy.orm import Session

# pyarrow and polars stay out of the web processes, which only defer this work.
if TYPE_CHECKING:
    import pyarrow as pa
    from ckanext.kzopen.rows.diff import Difference
    from ckanext.kzopen.rows.store import StoredVersion
    from ckanext.kzopen.validation.check import Checked

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.dataset:' || :package, 0))")


@dataclass(frozen=True)
class Made:
    """A new version before it is published: its number, its file, what it changes."""

    number: int
    stored: StoredVersion
    difference: Difference
    base: int | None


def accept(session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Checked) -> None:
    """Make the delivery's table the current version and commit; raises Refused when it cannot be joined with the rows.

    The caller's job lock puts deliveries to one data set in order; the advisory lock holds even if a job that was thought
    dead is still running.
    """
    from ckanext.kzopen.rows import datastore

    session.execute(LOCK, {"package": passport.package_id})
    session.refresh(delivery)
    if delivery.state != "checking" and not is_decided(delivery):
        return
    current = versions.latest(session, passport.uri)
    table, difference = _next_table(site, delivery, passport, checked, current)
    made = _written(session, site, passport, table, difference, current.number if current else None)
    with datastore_transaction() as connection:
        prepared = datastore.prepare(
            connection, passport.resource_id, table, sha256=made.stored.sha256, schema=passport.schema
        )
        _publish(session, site, delivery, passport, checked, made)
        datastore.switch(connection, prepared)


def _next_table(
    site: Site, delivery: Delivery, passport: Passport, checked: Checked, current: versions.Version | None
) -> tuple[pa.Table, Difference]:
    """The whole table after the delivery, and how it differs from the current version."""
    from ckanext.kzopen.publishing import findings, merge
    from ckanext.kzopen.rows import diff, store

    key = list(passport.schema.get("primaryKey") or [])
    old = store.read_version(site.files_url, current.path) if current else None
    sent = checked.table
    assert sent is not None  # noqa: S101 - refused before
    try:
        merged = merge.merged(delivery.mode, old, sent, key)
    except merge.OtherColumns:
        raise Refused(findings.other_columns(checked.report)) from None
    if merged.clashes:
        raise Refused(findings.keys_taken(checked.report, sent, key, merged.clashes))
    return merged.table, diff.compare(merged.table.slice(0, 0) if old is None else old, merged.table, key)


def _written(
    session: Session, site: Site, passport: Passport, table: pa.Table, difference: Difference, base: int | None
) -> Made:
    from ckanext.kzopen.rows import store

    number = versions.next_number(session, passport.package_id)
    stored = store.write_version(site.files_url, passport.uri, number, table, passport.schema)
    return Made(number, stored, difference, base)


def _publish(session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Checked, made: Made) -> None:
    """One transaction: the version, the delivery's state with event and outbox, the package with its resource."""
    _hold_base(session, passport, made)
    session.add(_version_row(delivery, passport, made))
    transition, actor, reason = step_to_accepted(delivery)
    now = datetime.now(UTC)
    difference = made.difference
    states.change(
        session,
        "delivery",
        delivery,
        transition,
        actor=actor,
        reason=reason,
        version=made.number,
        report=checked.report.stored(),
        rows=checked.report.rows,
        wrong=0,
        added=difference.added,
        changed=difference.changed,
        unchanged=difference.unchanged,
        removed=difference.removed,
        checked=delivery.checked or now,
        finished=now,
        error=None,
    )
    record.append(session, "version", passport.package_id, _told(passport, delivery, made), at=now)
    outbox.emit(session, "version.created", passport.package_id, {"uri": passport.uri, "version": made.number})
    package.show_version(site, passport, made.number, made.stored, now)
    session.commit()


class BaseWithdrawn(Exception):
    """The version on which this one was built was withdrawn meanwhile: the job is run again, on the one before it."""


def _hold_base(session: Session, passport: Passport, made: Made) -> None:
    """Until the commit nobody withdraws the data set or the version that this one was built on; raises BaseWithdrawn."""
    versions.lock(session, passport.package_id)
    gone = tombstone(session, "dataset", passport.package_id) is not None
    if gone or (made.base is not None and versions.numbered(session, passport.uri, made.base) is None):
        raise BaseWithdrawn


def _told(passport: Passport, delivery: Delivery, made: Made) -> dict[str, Any]:
    """What the public record tells of a version: enough to recognise its file for ever."""
    stored = {"sha256": made.stored.sha256, "size": made.stored.size, "rows": made.stored.rows}
    return {"uri": passport.uri, "version": made.number, "delivery": str(delivery.id)} | stored


def _version_row(delivery: Delivery, passport: Passport, made: Made) -> versions.Version:
    return versions.Version(
        package_id=passport.package_id,
        resource_id=passport.resource_id,
        uri=passport.uri,
        number=made.number,
        delivery_id=str(delivery.id),
        path=made.stored.path,
        sha256=made.stored.sha256,
        size=made.stored.size,
        rows=made.stored.rows,
        schema=passport.schema,
        difference=made.difference.to_dict(),
    )

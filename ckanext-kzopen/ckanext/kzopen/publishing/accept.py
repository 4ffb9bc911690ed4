"""The last step of the publish path: a checked table becomes the current version.

Order, and what a death between its steps leaves: the Parquet file (no version names it: tidied away); a hidden table, or
changed rows, in DataStore's open transaction (rolled back); the commit of version, state, package, event and outbox
together, which is the truth; the switch of DataStore and its commit (`settle`, when the job is run again, makes it agree).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ckanext.kzopen.core import states
from ckanext.kzopen.core.withdrawal import tombstone
from ckanext.kzopen.publishing import compatibility, package
from ckanext.kzopen.publishing.decide import step_to_accepted
from ckanext.kzopen.publishing.made import Made, accepted, keep
from ckanext.kzopen.publishing.model import Delivery, Passport
from ckanext.kzopen.publishing.refusal import Refused
from ckanext.kzopen.publishing.settle import datastore_transaction
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.publishing.waiting import is_decided
from ckanext.kzopen.rows import chain
from ckanext.kzopen.rows import model as versions
from ckanext.kzopen.search.changes import left_by, unhurried
from ckanext.kzopen.search.listeners import followed_at_the_end
from sqlalchemy import text
from sqlalchemy.orm import Session

# pyarrow and polars stay out of the web processes, which only defer this work.
if TYPE_CHECKING:
    import pyarrow as pa
    from ckanext.kzopen.publishing.early import Early
    from ckanext.kzopen.rows.changes import Changed, Look
    from ckanext.kzopen.rows.diff import Difference
    from ckanext.kzopen.rows.reading import Table
    from ckanext.kzopen.rows.store import StoredVersion
    from ckanext.kzopen.validation.check import Checked

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kzopen.dataset:' || :package, 0))")


def hold(session: Session, delivery: Delivery, passport: Passport) -> bool:
    """Let nobody else publish to the data set until the transaction ends; whether the delivery is still to be decided on.

    The caller's job lock puts deliveries to one data set in order; this lock holds even if a job that was thought dead is
    still running.
    """
    session.execute(LOCK, {"package": passport.package_id})
    session.refresh(delivery)
    return delivery.state == "checking" or is_decided(delivery)


def accept(
    session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Checked, early: Early | None = None
) -> None:
    """Make the table of a delivery that is held the current version and commit; raises Refused when it cannot be joined with
    the rows. `early` has the checked rows already, if they were taken."""
    current = versions.latest(session, passport.uri)
    changed = _change(session, site, delivery, passport, checked, current)
    if changed is not None and current is not None:
        _publish_change(session, site, delivery, passport, checked, current, changed)
    else:
        _publish_whole(session, site, delivery, passport, checked, current, early if checked.taken else None)


def _change(
    session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Checked, current: versions.Version | None
) -> Changed | None:
    """What the delivery changes, where the table is so large that this is stored instead of the whole table again."""
    from ckanext.kzopen.publishing import findings, merge
    from ckanext.kzopen.rows import copying, reading
    from ckanext.kzopen.validation.lengths import too_long

    sent = checked.table
    assert sent is not None  # noqa: S101 - refused before
    if current is None or not merge.as_change(delivery.mode, current.rows, copying.rows_of(sent)):
        return None
    if compatibility.names(current.schema) != compatibility.names(passport.schema) or not _has_key(current, passport):
        return None  # the whole table gets its new columns and its key
    key = list(passport.schema.get("primaryKey") or [])
    old = reading.table_of(session, site.files_url, current)
    if any(too_long(old.read(names), names) for names in _newly_looked_up(current, passport)):
        return None  # whether they stay, the whole table tells; else a job makes the index
    try:
        changed = merge.changed(delivery.mode, old, sent, key, _look(passport, current, old))
    except merge.OtherColumns:
        raise Refused(findings.other_columns(checked.report)) from None
    if changed.clashes:
        raise Refused(findings.keys_taken(checked, sent, key, changed.clashes))
    return changed


def _has_key(current: versions.Version, passport: Passport) -> bool:
    """Whether the version was published with the key that the passport has."""
    return current.schema.get("primaryKey") == passport.schema.get("primaryKey")


def _newly_looked_up(current: versions.Version, passport: Passport) -> list[list[str]]:
    """The columns of each index that the passport asks for and that the version was published without."""
    from ckanext.kzopen.validation.lengths import looked_up

    there = looked_up(current.schema)
    return [names for names in looked_up(passport.schema) if names not in there]


def _look(passport: Passport, current: versions.Version, old: Table) -> Look:
    """Old rows from DataStore, while it holds the current version."""
    from ckanext.kzopen.rows import looking

    def look(places: list[int]) -> pa.Table | None:
        with datastore_transaction() as connection:
            return looking.rows_at(connection, passport.resource_id, current.sha256, old.schema, current.schema, places)

    return look


def _publish_change(
    session: Session,
    site: Site,
    delivery: Delivery,
    passport: Passport,
    checked: Checked,
    current: versions.Version,
    changed: Changed,
) -> None:
    """The change is stored; DataStore gets it too, or the whole table when it is not at the version before."""
    from ckanext.kzopen.rows import altering, store

    number = versions.next_number(session, passport.package_id)
    stored = store.write_changes(site.files_url, passport.uri, current.number, number, changed.table)
    sha256 = chain.chained(current.sha256, stored.sha256)
    made = Made(number, stored, changed.difference, current.number, changed.rows, sha256, changed)
    # Readers see the rows at the end of the block: it does not wait for the index, to which little of them matters.
    with datastore_transaction() as connection, _not_waiting_for_the_index(session):
        altering.change(connection, passport.resource_id, changed.table, was=current.sha256, rows=changed.rows, sha256=sha256)
        _publish(session, site, delivery, passport, checked, made)


@contextmanager
def _not_waiting_for_the_index(session: Session) -> Iterator[None]:
    if left_by(session) is not None:  # the caller does not wait either
        yield
        return
    with unhurried(session):
        yield


def _publish_whole(
    session: Session,
    site: Site,
    delivery: Delivery,
    passport: Passport,
    checked: Checked,
    current: versions.Version | None,
    early: Early | None,
) -> None:
    from ckanext.kzopen.rows import datastore

    table, difference = _next_table(session, site, delivery, passport, checked, current)
    number, base = versions.next_number(session, passport.package_id), current.number if current else None
    if early is not None:
        made = _made(early.draft.keep(number), number, difference, base)
        prepared = early.staged.finished(made.sha256)
        with followed_at_the_end(session):
            _publish(session, site, delivery, passport, checked, made)
            datastore.switch(early.staged.connection, prepared)
            early.staged.commit()
        return
    made = _written(site, passport, table, difference, number, base)
    # The index follows while the rows are switched to: readers see both the sooner.
    with followed_at_the_end(session), datastore_transaction() as connection:
        prepared = datastore.prepare(connection, passport.resource_id, table, sha256=made.sha256, schema=passport.schema)
        _publish(session, site, delivery, passport, checked, made)
        datastore.switch(connection, prepared)


def made_first(site: Site, passport: Passport, table: pa.Table) -> Made:
    """The first version of a data set that is new; nothing names its file yet."""
    from ckanext.kzopen.rows import diff

    difference = diff.compare(table.slice(0, 0), table, list(passport.schema.get("primaryKey") or []))
    return _written(site, passport, table, difference, 1, None)


def _next_table(
    session: Session,
    site: Site,
    delivery: Delivery,
    passport: Passport,
    checked: Checked,
    current: versions.Version | None,
) -> tuple[pa.Table | Table, Difference]:
    """The whole table after the delivery, and how it differs from the current version."""
    from ckanext.kzopen.publishing import findings, merge
    from ckanext.kzopen.rows import diff, reading

    key = list(passport.schema.get("primaryKey") or [])
    old = reading.table_of(session, site.files_url, current) if current else None
    sent = checked.table
    assert sent is not None  # noqa: S101 - refused before
    if delivery.mode == "replace":
        return sent, diff.compare(sent.schema.empty_table() if old is None else old, sent, key)
    before = old.read() if old else None
    try:
        before = merge.fitted(before, sent, passport.schema["fields"]) if before is not None else None
        merged = merge.merged(delivery.mode, before, sent, key)
    except merge.OtherColumns:
        raise Refused(findings.other_columns(checked.report)) from None
    if merged.clashes:
        raise Refused(findings.keys_taken(checked, sent, key, merged.clashes))
    if current is not None and (not _has_key(current, passport) or _newly_looked_up(current, passport)):
        unfit = findings.unfit_for_schema(checked.report, merged.table, passport.schema)
        if unfit is not None:
            raise Refused(unfit)
    return merged.table, diff.compare(merged.table.slice(0, 0) if before is None else before, merged.table, key)


def _written(site: Site, passport: Passport, table: pa.Table, difference: Difference, number: int, base: int | None) -> Made:
    from ckanext.kzopen.rows import store

    return _made(store.write_version(site.files_url, passport.uri, number, table, passport.schema), number, difference, base)


def _made(stored: StoredVersion, number: int, difference: Difference, base: int | None) -> Made:
    """A version stored whole; nothing names its file yet."""
    return Made(number, stored, difference, base, stored.rows, stored.sha256)


def _publish(session: Session, site: Site, delivery: Delivery, passport: Passport, checked: Checked, made: Made) -> None:
    """One transaction: the version, the delivery's state with event and outbox, the package with its resource."""
    _hold_base(session, passport, made)
    now = datetime.now(UTC)
    write(session, delivery, passport, checked, made, now)
    package.show_version(site, passport, made.number, made, now)
    session.commit()


def write(session: Session, delivery: Delivery, passport: Passport, checked: Checked, made: Made, now: datetime) -> None:
    """The version and what tells of it, in the caller's transaction: files, state, public record, outbox."""
    transition, actor, reason = step_to_accepted(delivery)
    fields = accepted(delivery, checked, made, now)
    states.change(session, "delivery", delivery, transition, actor=actor, reason=reason, **fields)
    keep(session, [(delivery, passport, made)], now)


class BaseWithdrawn(Exception):
    """The version on which this one was built was withdrawn meanwhile: the job is run again, on the one before it."""


def _hold_base(session: Session, passport: Passport, made: Made) -> None:
    """Until the commit nobody withdraws the data set or the version that this one was built on; raises BaseWithdrawn."""
    versions.lock(session, passport.package_id)
    gone = tombstone(session, "dataset", passport.package_id) is not None
    if gone or (made.base is not None and versions.numbered(session, passport.uri, made.base) is None):
        raise BaseWithdrawn

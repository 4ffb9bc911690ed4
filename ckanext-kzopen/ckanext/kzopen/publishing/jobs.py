"""What the worker does for the publish path."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ckan import model
from ckanext.kzopen.core import files
from ckanext.kzopen.core.jobs import NO_RETRY, UPKEEP, Retry, task
from ckanext.kzopen.core.withdrawal import tombstone
from ckanext.kzopen.publishing import decide, inbox, keeping, listings, portal_figures, process, uploads, withdrawal
from ckanext.kzopen.publishing.model import Delivery, Passport, due, known_bodies
from ckanext.kzopen.publishing.receive import defer_check
from ckanext.kzopen.publishing.settle import TASK_INDEXES, TASK_LABELS, bring_datastore, bring_labels
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.publishing.waiting import is_decided, is_given_up
from ckanext.kzopen.rows import model as versions

log = logging.getLogger(__name__)

UNKNOWN_AFTER = 24 * 3600.0  # seconds without a byte after which a body that no delivery knows is thrown away


def mark_failed(error: BaseException, *, delivery: str, last: bool) -> None:
    """Show on the delivery that a try has failed."""
    process.fail(model.Session(), UUID(delivery), error, last=last)


@task("publishing.process", retry=Retry(times=6, first=2, longest=60), failed=mark_failed)
def process_delivery(delivery: str) -> None:
    """Check a delivery and publish it, or go on where a dead worker stopped."""
    process.process(model.Session(), configured(), UUID(delivery))


@task("publishing.publish_due", retry=Retry(times=6, first=2, longest=60))
def publish_due(delivery: str) -> None:
    """The moment of a planned delivery has come: into the line of its data set with it."""
    session = model.Session()
    found = session.get(Delivery, UUID(delivery))
    if found is not None and is_decided(found):
        defer_check(session, found)
        session.commit()


@task("publishing.look_for_due", cron="* * * * *")
def look_for_due() -> None:
    """Put planned deliveries into the queue whose job was lost a minute after their moment; those whose tries are used up are
    left to the people who were told of it."""
    session = model.Session()
    for late in decide.stuck(session, due(session, datetime.now(UTC) - timedelta(minutes=1))):
        if not is_given_up(session, late):
            defer_check(session, late)
    session.commit()


@task("publishing.show_current", retry=Retry(times=8, first=1, longest=30))
def show_current(package: str) -> None:
    """After a version was withdrawn: let the package and DataStore show the current one."""
    session = model.Session()
    passport = session.get(Passport, package)
    if passport is None:
        return
    withdrawal.show_current(session, passport)
    current = versions.latest(session, passport.uri)
    if current is not None and tombstone(session, "dataset", package) is None:
        bring_datastore(current)


@task(TASK_LABELS, retry=Retry(times=36, first=1, longest=120))
def show_labels(package: str) -> None:
    """After the columns of a passport were told otherwise: let DataStore tell them so too.

    It is tried for an hour: the words of a large table are indexed for minutes, and nobody changes its labels meanwhile.
    """
    bring_labels(model.Session(), package)


@task(TASK_INDEXES, retry=Retry(times=6, first=2, longest=120), queue=UPKEEP)
def make_indexes(package: str) -> None:
    """After columns were marked as looked up, or are not any more: let the table that is there have just their indexes."""
    from ckanext.kzopen.rows import current

    session = model.Session()
    passport = session.get(Passport, package)
    version = versions.latest(session, passport.uri) if passport else None
    if version is not None:
        current.make_indexes(session, version)


@task("publishing.portal_figures", cron="40 3 * * *")
def publish_portal_figures() -> None:
    """Publish the portal's own figures as open data."""
    portal_figures.publish(model.Session())


@task("publishing.tidy_uploads", cron="27 * * * *")
def tidy_uploads() -> None:
    """Throw away the parts of uploads that have expired."""
    number = uploads.throw_away_expired(model.Session(), configured(), datetime.now(UTC))
    if number:
        log.info("%s expired uploads were thrown away", number)


@task("publishing.tidy", cron="17 3 * * *")
def tidy() -> None:
    """Remove bodies that no delivery knows: they never arrived whole, or their request was cut off before the commit."""
    files_url = configured().files_url
    old = {entry.name: _delivery_of(entry.name) for entry in inbox.old_files(files_url, UNKNOWN_AFTER, time.time())}
    known = known_bodies(model.Session(), set(old.values()))
    for name in (name for name, delivery in old.items() if delivery not in known):
        log.info("a body that no delivery knows is thrown away: %s", name)
        files.of(files_url).delete(name)


def _delivery_of(name: str) -> str:
    """Whose a stored file is, by its name: a delivery's body, or the list of what is wrong with it."""
    return name.rpartition("/")[2].removesuffix(listings.ENDING)


@task("publishing.keep", cron="10 21 * * *", retry=NO_RETRY, queue=UPKEEP)
def delete_past_bytes() -> None:
    """Delete the bytes of deliveries whose time is past by `schemas/deliveries.yaml`, at night in Astana."""
    number = keeping.delete_past(model.Session(), configured().files_url, keeping.load_rules(), datetime.now(UTC))
    if number:
        log.info("the bytes of %s deliveries were deleted by the rules of keeping", number)

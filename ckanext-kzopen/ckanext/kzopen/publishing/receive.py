"""The first step of the publish path: the bytes are stored, and from the commit on nothing is lost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from ckanext.kzopen.core import jobs, outbox, states
from ckanext.kzopen.core.people.systems.model import MODES
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import formats, inbox
from ckanext.kzopen.publishing.model import Delivery, Passport, delivery_with_key, free_old_key
from ckanext.kzopen.search import topics
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

TASK = "publishing.process"
TASK_DUE = "publishing.publish_due"
MODES_BY_KEY = ("upsert", "delete")
LONGEST_KEY = 255
LATEST = timedelta(days=366)


@dataclass(frozen=True)
class Sending:
    """What a sender says of the bytes that follow. `source` is `api`, `staff`, `command` or `harvest`; `sender` a user's id.

    `check_only`: nothing is published until the sender asks for it. `held`: the sender may not publish, somebody else decides.
    `publish_at`: not before that moment. `sha256`, where it is told, is that of the body. `repairs` hold for it alone.
    """

    mode: str
    sender: str
    source: str
    check_only: bool = False
    held: bool = False
    publish_at: datetime | None = None
    media_type: str | None = None
    file_name: str | None = None
    key: str | None = None
    address: str | None = None
    length: int | None = None
    sha256: str | None = None
    repairs: Collection[tuple[str, str | None]] = ()

    @property
    def waits_for(self) -> str | None:
        """What it waits for after the check (`Delivery.waits_for`)."""
        if self.held:
            return "approval"
        return "check" if self.check_only else None


@dataclass(frozen=True)
class Outcome:
    """The delivery, and whether it is the one that an earlier request with the same key made."""

    delivery: Delivery
    repeated: bool


def check_sending(sending: Sending, passport: Passport) -> None:
    """Raise KzError for what is wrong before a byte is read."""
    if sending.mode not in MODES:
        raise KzError("publishing.unknown_mode", mode=sending.mode, modes=list(MODES))
    if not passport.schema.get("fields"):
        raise KzError("publishing.no_columns", uri=passport.uri)
    if sending.mode in MODES_BY_KEY and not passport.schema.get("primaryKey"):
        raise KzError("publishing.schema_has_no_key", mode=sending.mode)
    if sending.key is not None and not 1 <= len(sending.key) <= LONGEST_KEY:
        raise KzError("publishing.key_too_long")
    if sending.publish_at is not None and sending.publish_at > datetime.now(UTC) + LATEST:
        raise KzError("publishing.too_late", days=LATEST.days)


def check_body(files_url: str, sending: Sending, stored: inbox.Received) -> None:
    """Raise KzError for stored bytes that are not of the kind that the sender says."""
    if sending.media_type is not None:
        formats.check(inbox.head(files_url, stored), sending.media_type)


def deliver(
    session: Session,
    files_url: str,
    passport: Passport,
    sending: Sending,
    stream: inbox.Readable,
    limit: int,
    *,
    at_once: bool = False,
) -> Outcome:
    """Store a body and defer its check; both are there after the commit that is made here, or none.

    `at_once`: the caller calls `process` itself instead of the queue. A repeated idempotency key with the same body gives the
    first delivery again; with another body it is refused.
    """
    check_sending(sending, passport)
    if sending.length is not None and sending.length > limit:
        raise KzError("publishing.too_large", limit=limit)
    number = uuid4()
    stored = inbox.receive(files_url, number, stream, limit, sending.length)
    return deliver_stored(session, files_url, passport, sending, number, stored, at_once=at_once)


def deliver_stored(
    session: Session,
    files_url: str,
    passport: Passport,
    sending: Sending,
    number: UUID,
    stored: inbox.Received,
    *,
    at_once: bool = False,
) -> Outcome:
    """`deliver` for bytes that lie in the inbox already; they are thrown away when no delivery of `number` comes about."""
    try:
        if sending.sha256 is not None and sending.sha256 != stored.sha256:
            raise KzError("publishing.wrong_digest", found=stored.sha256)
        check_body(files_url, sending, stored)
        if sending.key is not None:
            free_old_key(session, passport.package_id, sending.key, datetime.now(UTC))
        earlier = _same_again(session, passport.package_id, sending, stored)
        outcome = Outcome(earlier, repeated=True) if earlier else _new(session, passport, sending, number, stored, at_once)
    except KzError:
        # Not after an error of the database: a commit whose answer got lost may have been made.
        session.rollback()
        inbox.discard(files_url, stored)
        raise
    if outcome.repeated:
        inbox.discard(files_url, stored)
    return outcome


def row_of(passport: Passport, sending: Sending, number: UUID, stored: inbox.Received) -> Delivery:
    """The delivery of stored bytes, which `states.begin` is to store."""
    return Delivery(
        id=number,
        package_id=passport.package_id,
        uri=passport.uri,
        mode=sending.mode,
        check_only=sending.check_only,
        waits_for=sending.waits_for,
        publish_at=sending.publish_at,
        repairs=[list(key) for key in sending.repairs],
        sender=sending.sender,
        source=sending.source,
        media_type=sending.media_type,
        file_name=_printable(sending.file_name),
        path=stored.path,
        size=stored.size,
        sha256=stored.sha256,
        idempotency_key=sending.key,
    )


def _new(
    session: Session, passport: Passport, sending: Sending, number: UUID, stored: inbox.Received, at_once: bool
) -> Outcome:
    delivery = row_of(passport, sending, number, stored)
    package_id = passport.package_id
    try:
        states.begin(session, "delivery", delivery, actor=sending.sender, address=sending.address)
    except IntegrityError:
        # Two requests with one key at the same moment: the other one was first.
        session.rollback()
        earlier = _same_again(session, package_id, sending, stored)
        if earlier is None:
            raise
        return Outcome(earlier, repeated=True)
    if not at_once:
        defer_check(session, delivery)
    session.commit()
    return Outcome(delivery, repeated=False)


def defer_check(session: Session, delivery: Delivery) -> None:
    """Put the delivery into the queue; deliveries to one data set are worked on one after the other."""
    jobs.defer(session, TASK, lock=f"dataset:{delivery.package_id}", delivery=str(delivery.id))


def defer_publication(session: Session, delivery: Delivery) -> None:
    """Let the worker publish a planned delivery at its moment.

    The job that waits for the moment holds no lock: what is sent to the data set meanwhile must not wait for it. The
    search learns from when on a data set without a version is to be found.
    """
    jobs.defer(session, TASK_DUE, at=delivery.publish_at, delivery=str(delivery.id))
    outbox.emit(session, topics.STALE, delivery.package_id)


def _same_again(session: Session, package_id: str, sending: Sending, stored: inbox.Received) -> Delivery | None:
    if sending.key is None:
        return None
    earlier = delivery_with_key(session, package_id, sending.key)
    if earlier is None:
        return None
    before = (earlier.sha256, earlier.mode, earlier.check_only, earlier.publish_at)
    if before != (stored.sha256, sending.mode, sending.check_only, sending.publish_at):
        raise KzError("publishing.key_reused", key=sending.key, delivery=str(earlier.id))
    return earlier


def _printable(name: str | None) -> str | None:
    """A file's name for people to read: no path, no control characters, at most LONGEST_KEY characters."""
    if not name:
        return None
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in bare if character.isprintable())[:LONGEST_KEY] or None

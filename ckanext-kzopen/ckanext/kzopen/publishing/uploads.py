"""Large bodies in parts: what came is safe, what did not come can be sent again, and nothing is published before all is there.

The part file holds at least `Upload.received` bytes; what lies behind them after a death is written over. One request at a
time works on an upload: it holds a lock on a file, which ends with its process.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing import formats, inbox, receive
from ckanext.kzopen.publishing.admission import TooMany
from ckanext.kzopen.publishing.model import Delivery, Passport, Upload
from ckanext.kzopen.publishing.site import Site
from sqlalchemy import func, select
from sqlalchemy.orm import Session

FOLDER = "uploads"
LOCK = ".lock"
MOST_OPEN = 20
SAFE_EVERY = 8 << 20
"""Bytes after which what came is synced and noted: a death costs the sender no more than so many."""


def begin(session: Session, site: Site, passport: Passport, sending: receive.Sending, length: int, hours: int) -> Upload:
    """Announce a body of `length` bytes; commits. Raises KzError for what is wrong with it before a byte has come."""
    receive.check_sending(sending, passport)
    if sending.media_type:
        formats.check_name(sending.media_type)
    if length > site.largest:
        raise KzError("publishing.too_large", limit=site.largest)
    now = datetime.now(UTC)
    unfinished = select(func.count()).where(
        Upload.sender == sending.sender, Upload.delivery_id.is_(None), Upload.expires > now
    )
    if (session.scalar(unfinished) or 0) >= MOST_OPEN:
        raise TooMany("publishing.too_many_uploads", 60, limit=MOST_OPEN)
    upload = Upload(
        package_id=passport.package_id,
        uri=passport.uri,
        sender=sending.sender,
        mode=sending.mode,
        waits_for="check" if sending.check_only else None,
        publish_at=sending.publish_at,
        media_type=sending.media_type,
        file_name=sending.file_name,
        idempotency_key=sending.key,
        length=length,
        expires=now + timedelta(hours=hours),
    )
    session.add(upload)
    session.commit()
    return upload


def known(session: Session, number: UUID, sender: str) -> Upload:
    """The sender's own upload; KzError publishing.unknown_upload or publishing.upload_expired."""
    upload = session.get(Upload, number)
    if upload is None or upload.sender != sender:
        raise KzError("publishing.unknown_upload")
    if upload.delivery_id is None and upload.expires <= datetime.now(UTC):
        raise KzError("publishing.upload_expired")
    return upload


def take_part(
    session: Session, site: Site, upload: Upload, offset: int, body: inbox.Readable, length: int | None, hours: int
) -> None:
    """Append a part that begins at `offset`; commits as it goes, so that what came before a cut stays."""
    with _held(session, site, upload):
        _check_part(upload, offset, length)
        with _opened(site, upload) as file:
            _append(session, upload, offset, body, file, hours)


def _append(session: Session, upload: Upload, offset: int, body: inbox.Readable, file: IO[bytes], hours: int) -> None:
    file.seek(offset)
    file.truncate()
    unsafe = 0
    try:
        while chunk := body.read(inbox.CHUNK):
            if upload.received + unsafe + len(chunk) > upload.length:
                raise KzError("publishing.upload_beyond", length=upload.length)
            file.write(chunk)
            unsafe += len(chunk)
            if unsafe >= SAFE_EVERY:
                unsafe = _note(session, upload, file, unsafe, hours)
    finally:
        _note(session, upload, file, unsafe, hours)


def _check_part(upload: Upload, offset: int, length: int | None) -> None:
    if upload.delivery_id is not None:
        raise KzError("publishing.upload_complete", delivery=str(upload.delivery_id))
    if offset != upload.received:
        raise KzError("publishing.upload_offset", given=str(offset), received=str(upload.received))
    if length is not None and offset + length > upload.length:
        raise KzError("publishing.upload_beyond", length=upload.length)


def _note(session: Session, upload: Upload, file: IO[bytes], size: int, hours: int) -> int:
    """What was written is on the disk before anybody is told that it came; 0 bytes are unsafe afterwards."""
    file.flush()
    os.fsync(file.fileno())
    upload.received += size
    upload.expires = datetime.now(UTC) + timedelta(hours=hours)
    session.commit()
    return 0


def complete(
    session: Session, site: Site, passport: Passport, sending: receive.Sending, upload: Upload, sha256: str
) -> receive.Outcome:
    """Make a delivery of the whole body; asked twice, it is the same one. Its number is the upload's.

    Raises KzError publishing.upload_incomplete, or publishing.upload_hash; after that the body has to be sent again.
    """
    with _held(session, site, upload):
        if upload.delivery_id is not None:
            return receive.Outcome(session.get_one(Delivery, upload.delivery_id), repeated=True)
        if upload.received != upload.length:
            raise KzError("publishing.upload_incomplete", received=str(upload.received), length=str(upload.length))
        with _opened(site, upload) as file:
            file.truncate(upload.length)
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            upload.received = 0
            session.commit()
            raise KzError("publishing.upload_hash", found=found)
        stored = inbox.adopt(site.files_url, upload.id, _path(site, upload), found)
        outcome = _delivered(session, site, passport, sending, upload, stored)
        _path(site, upload).with_suffix(LOCK).unlink(missing_ok=True)
        return outcome


def _delivered(
    session: Session, site: Site, passport: Passport, sending: receive.Sending, upload: Upload, stored: inbox.Received
) -> receive.Outcome:
    upload.delivery_id = upload.id  # committed with the delivery
    try:
        outcome = receive.deliver_stored(session, site.files_url, passport, sending, upload.id, stored)
    except KzError:
        upload.expires = datetime.now(UTC)  # its bytes were thrown away
        session.commit()
        raise
    upload.delivery_id = outcome.delivery.id
    session.commit()
    return outcome


def throw_away_expired(session: Session, site: Site, now: datetime) -> int:
    """Remove the parts of uploads that nobody went on with; how many. The rows stay, to say what became of them."""
    over = select(Upload).where(Upload.delivery_id.is_(None), Upload.expires <= now, Upload.received > 0)
    found = list(session.scalars(over))
    for upload in found:
        _throw_away(site, upload)
    session.commit()
    return len(found)


def throw_away(session: Session, site: Site, package_id: str) -> None:
    """Remove the parts of all unfinished uploads to a data set, which cannot go on; nothing is committed."""
    for upload in unfinished(session, package_id):
        _throw_away(site, upload)
        upload.expires = datetime.now(UTC)


def unfinished(session: Session, package_id: str) -> list[Upload]:
    """Uploads to a data set of which the portal keeps parts."""
    wanted = select(Upload).where(Upload.package_id == package_id, Upload.delivery_id.is_(None), Upload.received > 0)
    return list(session.scalars(wanted))


def _throw_away(site: Site, upload: Upload) -> None:
    for path in (_path(site, upload), _path(site, upload).with_suffix(LOCK)):
        path.unlink(missing_ok=True)
    upload.received = 0


def _path(site: Site, upload: Upload) -> Path:
    """Parts lie on this machine: a bucket appends to no object."""
    return inbox.root(site.files_url) / FOLDER / upload.id.hex[:2] / upload.id.hex


@contextmanager
def _held(session: Session, site: Site, upload: Upload) -> Iterator[None]:
    """This request alone works on the upload, as it stands now; KzError publishing.upload_busy when another one does."""
    path = _path(site, upload)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KzError("publishing.upload_busy") from None
        session.refresh(upload)
        yield


def _opened(site: Site, upload: Upload) -> io.BufferedRandom:
    """The part file of an unfinished upload; a body that a death left in the inbox before the commit is taken back."""
    path = _path(site, upload)
    inbox.give_back(site.files_url, upload.id, path)
    return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")

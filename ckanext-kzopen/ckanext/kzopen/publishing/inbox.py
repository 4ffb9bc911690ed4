"""Where the bytes of deliveries lie: written as they come, hashed on the way, visible under their name only when whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from uuid import UUID

from ckanext.kzopen.core import files
from ckanext.kzopen.core.files import Entry
from ckanext.kzopen.core.files.disk import sync
from ckanext.kzopen.core.web.errors import KzError

CHUNK = 1 << 20
FOLDER = "deliveries"
UNFINISHED = ".part"


class Readable(Protocol):
    """A stream of bytes, such as a request's body."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True)
class Received:
    """Stored bytes: path below the files address, size in bytes, SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


def root(files_url: str) -> Path:
    """The folder of this machine in which bodies are written; behind a bucket, the one of its copies."""
    return files.of(files_url).workplace


def stored_file(files_url: str, path: str) -> Path:
    """A stored body on this machine."""
    return files.of(files_url).path(path)


def receive(files_url: str, delivery: UUID, stream: Readable, limit: int, expected: int | None = None) -> Received:
    """Store a body of at most `limit` bytes for a delivery.

    `expected` is the length that the sender told. Raises KzError publishing.no_rows, publishing.too_large or
    publishing.cut_off; then nothing is left behind.
    """
    place = f"{FOLDER}/{delivery.hex[:2]}/{delivery.hex}"
    target = root(files_url) / place
    digest = hashlib.sha256()
    with _written_whole(target) as file:
        size = 0
        for chunk in _chunks(stream):
            size += len(chunk)
            if size > limit:
                raise KzError("publishing.too_large", limit=limit)
            digest.update(chunk)
            file.write(chunk)
        if expected is not None and size < expected:
            raise KzError("publishing.cut_off", size=size, expected=expected)
        if not size:
            raise KzError("publishing.no_rows")
    _publish(files_url, place)
    return Received(place, size, digest.hexdigest())


def adopt(files_url: str, delivery: UUID, path: Path, sha256: str) -> Received:
    """Take over a whole and synced file, whose SHA-256 is known, as the body of a delivery."""
    place = f"{FOLDER}/{delivery.hex[:2]}/{delivery.hex}"
    target = root(files_url) / place
    target.parent.mkdir(parents=True, exist_ok=True)
    size = path.stat().st_size
    path.rename(target)
    sync(target.parent)
    _publish(files_url, place)
    return Received(place, size, sha256)


def _publish(files_url: str, place: str) -> None:
    """Let all machines have a body that was written here; where that fails, nothing is left of it."""
    store = files.of(files_url)
    try:
        store.publish(place)
    except OSError:
        store.workplace.joinpath(place).unlink(missing_ok=True)
        raise


def give_back(files_url: str, delivery: UUID, path: Path) -> None:
    """Undo `adopt` where no delivery came of it: the body lies at `path` again."""
    place, store = f"{FOLDER}/{delivery.hex[:2]}/{delivery.hex}", files.of(files_url)
    if not path.exists() and store.exists(place):
        store.path(place).rename(path)
        store.delete(place)


def head(files_url: str, received: Received, size: int = 4096) -> bytes:
    """The first bytes of a stored body."""
    with stored_file(files_url, received.path).open("rb") as file:
        return file.read(size)


def discard(files_url: str, received: Received) -> None:
    """Remove the bytes of a delivery that did not come about."""
    files.of(files_url).delete(received.path)


def old_files(files_url: str, older_than: float, now: float) -> list[Entry]:
    """Stored bodies, whole or not, that were not written to for `older_than` seconds; `now` is Unix time."""
    return [entry for entry in files.of(files_url).listing(FOLDER) if now - entry.written > older_than]


@contextmanager
def _written_whole(target: Path) -> Iterator[IO[bytes]]:
    """Write under another name, sync, then rename: after a crash there is the whole file or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + UNFINISHED)
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
        sync(target.parent)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _chunks(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk

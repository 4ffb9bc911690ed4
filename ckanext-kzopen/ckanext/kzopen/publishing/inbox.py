"""Where the bytes of deliveries lie: written as they come, hashed on the way, visible under their name only when whole."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from ckanext.kzopen.core import files
from ckanext.kzopen.core.web.errors import KzError

CHUNK = 1 << 20
FOLDER = "deliveries"


class Readable(Protocol):
    """A stream of bytes, such as a request's body."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True)
class Received:
    """Stored bytes: path below the files address, size in bytes, SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str


def place_of(delivery: UUID) -> str:
    """The name of a delivery's body in the store of files."""
    return f"{FOLDER}/{delivery.hex[:2]}/{delivery.hex}"


def store(files_url: str) -> files.Files:
    """The store behind the files address; KzError publishing.files_unavailable for one that is not understood."""
    try:
        return files.of(files_url)
    except files.UnknownStore:
        raise KzError("publishing.files_unavailable") from None


def receive(files_url: str, delivery: UUID, stream: Readable, limit: int, expected: int | None = None) -> Received:
    """Store a body of at most `limit` bytes for a delivery.

    `expected` is the length that the sender told. Raises KzError publishing.no_rows, publishing.too_large or
    publishing.cut_off; then nothing is left behind.
    """
    kept, place = store(files_url), place_of(delivery)
    with kept.scratch(FOLDER) as temporary:
        size, digest = _written(temporary, stream, limit)
        if expected is not None and size < expected:
            raise KzError("publishing.cut_off", size=size, expected=expected)
        if not size:
            raise KzError("publishing.no_rows")
        kept.keep(temporary, place)
    return Received(place, size, digest)


def _written(target: Path, stream: Readable, limit: int) -> tuple[int, str]:
    """How much was written, and its SHA-256."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for chunk in _chunks(stream):
            size += len(chunk)
            if size > limit:
                raise KzError("publishing.too_large", limit=limit)
            digest.update(chunk)
            file.write(chunk)
    return size, digest.hexdigest()


def adopt(files_url: str, delivery: UUID, path: Path, sha256: str) -> Received:
    """Take over a whole and synced file of this machine, whose SHA-256 is known, as the body of a delivery."""
    size, place = path.stat().st_size, place_of(delivery)
    store(files_url).keep(path, place)
    return Received(place, size, sha256)


def give_back(files_url: str, delivery: UUID, path: Path) -> None:
    """Undo `adopt` where no delivery came of it: the body lies at `path` again."""
    kept, place = store(files_url), place_of(delivery)
    if not path.exists() and kept.exists(place):
        shutil.copyfile(kept.path(place), path)


def head(files_url: str, received: Received, size: int = 4096) -> bytes:
    """The first bytes of a stored body."""
    with store(files_url).path(received.path).open("rb") as file:
        return file.read(size)


def discard(files_url: str, received: Received) -> None:
    """Remove the bytes of a delivery that did not come about."""
    store(files_url).delete(received.path)


def old_files(files_url: str, older_than: float, now: float) -> list[str]:
    """Names of stored bodies, whole or not, that were not written to for `older_than` seconds; `now` is Unix time."""
    return [entry.name for entry in store(files_url).listing(FOLDER) if now - entry.written > older_than]


def _chunks(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk

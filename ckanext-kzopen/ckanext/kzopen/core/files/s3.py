"""Files in a bucket of an S3-compatible server, with copies on this machine for those who read them.

An object appears whole or not at all, which is S3's own promise. Files never change, so a copy is never stale; the cache
is kept under a limit by forgetting what has not been used for the longest time.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ckanext.kzopen.core.files.cache import shrink
from ckanext.kzopen.core.files.kinds import UNFINISHED, Entry, UnknownStore, checked

KNOWN = frozenset({"region", "endpoint", "cache", "cache_mb"})
CONNECT_SECONDS, ANSWER_SECONDS = 5, 60
CACHE_MB = 4096
CACHED = ("versions", "deliveries")
ABANDONED = 24 * 3600
"""Seconds after which nobody writes to an unfinished file any more."""


@dataclass(frozen=True)
class Address:
    """`s3://[key:secret@]bucket[/folder][?region=…&endpoint=http://host:port&cache=/folder&cache_mb=4096]`.

    Without key and secret they are looked for where AWS's own tools look: AWS_ACCESS_KEY_ID, a profile, the machine's role.
    """

    bucket: str
    folder: str
    key: str | None
    secret: str | None = field(repr=False)
    region: str | None
    endpoint: str | None
    cache: Path
    cache_bytes: int


def read_address(url: str) -> Address:
    """The parts of an s3:// address; UnknownStore names an option that is not understood."""
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := options.keys() - KNOWN:
        raise UnknownStore(f"s3: {', '.join(sorted(unknown))} is not understood; known are {', '.join(sorted(KNOWN))}")
    if not parts.hostname:
        raise UnknownStore("s3: the bucket is missing: s3://bucket/folder?region=…")
    place = f"{parts.hostname}{parts.path} {options.get('endpoint')}"
    name = f"kzopen-files-{os.getuid()}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
    return Address(
        bucket=str(parts.hostname),
        folder=unquote(parts.path).strip("/"),
        key=unquote(parts.username) if parts.username else None,
        secret=unquote(parts.password) if parts.password else None,
        region=options.get("region"),
        endpoint=options.get("endpoint"),
        cache=Path(options.get("cache") or Path(tempfile.gettempdir()) / name),
        cache_bytes=int(options.get("cache_mb", CACHE_MB)) << 20,
    )


@dataclass(frozen=True)
class Bucket:
    """Files of one bucket under one folder of it."""

    address: Address

    @cached_property
    def _server(self) -> Any:
        # pyarrow is loaded by those who use it only: it costs a web process some 40 MB.
        from pyarrow.fs import S3FileSystem

        endpoint = urlsplit(self.address.endpoint or "")
        given = {
            "access_key": self.address.key,
            "secret_key": self.address.secret,
            "region": self.address.region or ("us-east-1" if endpoint.netloc else None),
            "endpoint_override": endpoint.netloc or None,
            "scheme": endpoint.scheme or None,
        }
        return S3FileSystem(
            **{name: value for name, value in given.items() if value},
            connect_timeout=CONNECT_SECONDS,
            request_timeout=ANSWER_SECONDS,
            allow_delayed_open=True,  # a small file is one request
        )

    def _object(self, name: str) -> str:
        return "/".join(part for part in (self.address.bucket, self.address.folder, checked(name)) if part)

    def _copy(self, name: str) -> Path:
        return self.address.cache / checked(name)

    @property
    def workplace(self) -> Path:
        """The folder of the copies."""
        return self.address.cache

    def publish(self, name: str) -> None:
        """Upload the copy."""
        self._upload(self._copy(name), name)
        self._shrink()

    @contextmanager
    def scratch(self, folder: str) -> Iterator[Path]:
        """An empty file on this machine."""
        del folder
        self.address.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self.address.cache, prefix=UNFINISHED)
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def keep(self, temporary: Path, name: str) -> None:
        """Upload it and keep the file as the copy."""
        self._upload(temporary, name)
        self._remember(temporary, name)

    def _upload(self, temporary: Path, name: str) -> None:
        """All of it arrives, or OSError."""
        size = temporary.stat().st_size
        with temporary.open("rb") as source, self._server.open_output_stream(self._object(name)) as target:
            while piece := source.read(1 << 22):
                target.write(piece)
        stored = self._server.get_file_info(self._object(name)).size
        if stored != size:
            raise OSError(f"{name}: {stored} of {size} bytes arrived")

    def _remember(self, temporary: Path, name: str) -> None:
        copy = self._copy(name)
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.rename(copy)
        self._shrink()

    def _shrink(self) -> None:
        """Only what is stored may be forgotten: parts of uploads lie in other folders. What a killed process was writing goes
        after a day."""
        before = time.time() - ABANDONED
        for left in self.address.cache.glob(f"{UNFINISHED}*"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < before:
                    left.unlink()
        shrink([self.address.cache / folder for folder in CACHED], self.address.cache_bytes)

    def path(self, name: str) -> Path:
        """The copy on this machine, fetched when there is none."""
        copy = self._copy(name)
        if copy.is_file():
            with suppress(FileNotFoundError):
                os.utime(copy)
                return copy
        with self.scratch("") as temporary:
            with self._server.open_input_stream(self._object(name)) as source, temporary.open("wb") as target:
                while piece := source.read(1 << 22):
                    target.write(piece)
            self._remember(temporary, name)
        return copy

    def is_left(self, name: str) -> bool:
        """Whether the bucket has it, or this machine a copy."""
        return self._copy(name).exists() or self.exists(name)

    def exists(self, name: str) -> bool:
        """Whether the bucket has it."""
        from pyarrow.fs import FileType

        found: bool = self._server.get_file_info(self._object(name)).type == FileType.File
        return found

    def delete(self, name: str) -> None:
        """Delete the object and the copy."""
        self._copy(name).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self._server.delete_file(self._object(name))

    def listing(self, folder: str) -> Iterator[Entry]:
        """All objects below the folder."""
        from pyarrow.fs import FileSelector, FileType

        selector = FileSelector(self._object(folder), recursive=True, allow_not_found=True)
        start = len(self._object("x")) - 1
        for found in self._server.get_file_info(selector):
            if found.type == FileType.File:
                yield Entry(found.path[start:], found.size, found.mtime.timestamp())
